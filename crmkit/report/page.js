"use strict";
(function () {
  function all(selector, within) {
    return Array.prototype.slice.call((within || document).querySelectorAll(selector));
  }

  var settings = { responsive: true, displayModeBar: false, displaylogo: false };
  var plots = all(".plot"), near = [], drawing = false;

  // Plotly is most of the page, and its code costs more than all the rest: it lies here as text, which is run when the
  // first figure comes near, or when the page is printed. The policy of the page knows it by its fingerprint.
  function plotly() {
    if (!window.Plotly) {
      var code = document.createElement("script");
      code.textContent = document.getElementById("plotly").textContent;
      document.head.appendChild(code);
    }
    return window.Plotly;
  }

  function draw(plot, done) {
    var figure = JSON.parse(document.querySelector('script[data-for="' + plot.id + '"]').textContent);
    plot.setAttribute("data-drawn", "begun");
    plotly().newPlot(plot, figure.data, figure.layout, settings).then(function () {
      plot.setAttribute("data-drawn", "yes");
      if (!document.querySelector('.plot:not([data-drawn="yes"])')) {
        document.documentElement.setAttribute("data-drawn", "all");
      }
      if (done) { done(); }
    });
  }

  // One after the other, those that are near first, so that the page can be read and scrolled meanwhile.
  function drawNear() {
    var plot = plots.filter(function (one) { return near.indexOf(one) !== -1 && !one.hasAttribute("data-drawn"); })[0];
    drawing = Boolean(plot);
    if (plot) { draw(plot, function () { setTimeout(drawNear, 0); }); }
  }

  // Until the reader moves, only what is in sight is drawn: the first screen waits for nothing. After that, figures are
  // drawn before they come into sight.
  function watch(margin) {
    if (!window.IntersectionObserver) { near = plots; drawNear(); return; }
    var watcher = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        near = near.filter(function (one) { return one !== entry.target; });
        if (entry.isIntersecting) { near.push(entry.target); }
      });
      if (near.length && !drawing) { drawing = true; setTimeout(drawNear, 0); }
    }, { rootMargin: margin });
    plots.forEach(function (plot) { watcher.observe(plot); });
    return watcher;
  }

  function begin() {
    var first = watch("0px");
    window.addEventListener("scroll", function () {
      if (first) { first.disconnect(); }
      near = [];
      watch("60% 0px");
    }, { once: true, passive: true });
  }

  // Paper is narrower than most screens, printing resizes no window, and what is not drawn at once is not printed:
  // a new width is drawn at once, Plotly's resize only after a while, and so is every figure that no one has seen yet.
  function fit(width) {
    plots.forEach(function (plot) {
      plot.style.width = width ? width + "px" : "";
      if (plot.hasAttribute("data-drawn")) {
        plotly().relayout(plot, { autosize: !width, width: width || null });
      } else if (width) { draw(plot); }
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
  document.documentElement.setAttribute("data-ready", "yes");
  // After the first screen is on the screen.
  window.addEventListener("load", function () { setTimeout(begin, 0); });
})();
