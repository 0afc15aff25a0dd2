"use strict";
(function () {
  function all(selector, within) {
    return Array.prototype.slice.call((within || document).querySelectorAll(selector));
  }

  var settings = { responsive: true, displayModeBar: false, displaylogo: false };
  var plots = all(".plot");

  function draw(plot) {
    var figure = JSON.parse(document.querySelector('script[data-for="' + plot.id + '"]').textContent);
    return Plotly.newPlot(plot, figure.data, figure.layout, settings).then(function () {
      plot.setAttribute("data-drawn", "yes");
    });
  }

  // One after the other, so that the page can be read and scrolled while the later ones are drawn.
  function drawFrom(place) {
    if (place === plots.length) {
      document.documentElement.setAttribute("data-drawn", "all");
      return;
    }
    draw(plots[place]).then(function () { setTimeout(function () { drawFrom(place + 1); }, 0); });
  }

  // Paper is narrower than most screens, printing resizes no window, and what is not drawn at once is not printed:
  // a new width is drawn at once, Plotly's resize only after a while.
  function fit(width) {
    plots.forEach(function (plot) {
      plot.style.width = width ? width + "px" : "";
      if (plot.hasAttribute("data-drawn")) { Plotly.relayout(plot, { autosize: !width, width: width || null }); }
    });
  }
  var closed = [];
  window.addEventListener("beforeprint", function () {
    closed = all("details:not([open])");
    closed.forEach(function (part) { part.open = true; });
    fit(680);
  });
  window.addEventListener("afterprint", function () {
    closed.forEach(function (part) { part.open = false; });
    fit(0);
  });

  function key(row, column, byNumber) {
    var text = row.cells[column].getAttribute("data-sort");
    return text === "" ? null : byNumber ? Number(text) : text;
  }

  function prepare(sheet) {
    var body = sheet.querySelector("tbody"), rows = Array.prototype.slice.call(body.rows);
    var heads = all("thead th", sheet), filters = sheet.querySelector(".filters"), more = sheet.querySelector(".more");
    var brief = Number(sheet.getAttribute("data-brief")), open = false;

    function show() {
      var wanted = filters ? filters.querySelector("input").value.trim().toLowerCase() : "";
      var chosen = filters ? all("select", filters).filter(function (select) { return select.value !== ""; }) : [];
      var fitting = rows.filter(function (row) {
        return row.textContent.toLowerCase().indexOf(wanted) !== -1 && chosen.every(function (select) {
          return row.cells[Number(select.getAttribute("data-column"))].textContent === select.value;
        });
      });
      rows.forEach(function (row) { row.hidden = true; });
      fitting.forEach(function (row, place) { row.hidden = !open && place >= brief; });
      if (!filters) { return; }
      var status = filters.querySelector(".status");
      var text = fitting.length ? status.getAttribute("data-shown") : status.getAttribute("data-none");
      var shown = Math.min(fitting.length, open ? rows.length : brief);
      status.textContent = text.replace("{shown}", String(shown)).replace("{rows}", String(fitting.length));
      more.hidden = fitting.length <= brief;
      more.textContent = open ? more.getAttribute("data-few") : more.getAttribute("data-all")
        .replace(/[\d,]+/, fitting.length.toLocaleString("en"));
      more.setAttribute("aria-expanded", String(open));
    }

    function sort(column, ascending, byNumber) {
      rows.sort(function (a, b) {
        var left = key(a, column, byNumber), right = key(b, column, byNumber);
        if (left === null || right === null) { return (left === null) - (right === null); }
        var order = byNumber ? left - right : left.localeCompare(right, undefined, { numeric: true });
        return ascending ? order : -order;
      });
      rows.forEach(function (row) { body.appendChild(row); });
    }

    heads.forEach(function (head, column) {
      var button = head.querySelector("button");
      if (!button) { return; }
      var byNumber = !head.classList.contains("text");
      button.addEventListener("click", function () {
        var before = head.getAttribute("aria-sort");
        // Numbers are first wanted large to small, names and texts from the beginning.
        var ascending = before ? before === "descending" : !head.classList.contains("number");
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        sort(column, ascending, byNumber);
        show();
      });
    });

    if (filters) {
      all("select", filters).forEach(function (select) {
        var column = Number(select.getAttribute("data-column"));
        rows.map(function (row) { return row.cells[column].textContent; })
          .filter(function (text, place, texts) { return texts.indexOf(text) === place; })
          .sort()
          .forEach(function (text) {
            var option = document.createElement("option");
            option.value = option.textContent = text;
            select.appendChild(option);
          });
        select.addEventListener("change", show);
      });
      filters.querySelector("input").addEventListener("input", show);
      more.addEventListener("click", function () { open = !open; show(); });
      filters.hidden = false;
    }
    show();
  }

  all(".sheet").forEach(prepare);
  drawFrom(0);
})();
