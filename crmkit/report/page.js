"use strict";
(function () {
  var settings = { responsive: true, displayModeBar: false, displaylogo: false };
  var plots = Array.prototype.slice.call(document.querySelectorAll(".plot"));

  plots.forEach(function (plot) {
    var figure = JSON.parse(document.querySelector('script[data-for="' + plot.id + '"]').textContent);
    Plotly.newPlot(plot, figure.data, figure.layout, settings).then(function () {
      plot.setAttribute("data-drawn", "yes");
    });
  });

  // Paper is narrower than most screens, and printing resizes no window.
  function fit(width) {
    plots.forEach(function (plot) {
      plot.style.width = width;
      Plotly.Plots.resize(plot);
    });
  }
  window.addEventListener("beforeprint", function () { fit("680px"); });
  window.addEventListener("afterprint", function () { fit(""); });

  function value(row, column) {
    var text = row.cells[column].getAttribute("data-sort");
    return text === "" ? null : Number(text);
  }

  function sort(table, column, ascending) {
    var rows = Array.prototype.slice.call(table.tBodies[0].rows);
    rows.sort(function (a, b) {
      var left = value(a, column), right = value(b, column);
      if (left === null || right === null) { return (left === null) - (right === null); }
      return ascending ? left - right : right - left;
    });
    rows.forEach(function (row) { table.tBodies[0].appendChild(row); });
  }

  var table = document.getElementById("segments");
  var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
  heads.forEach(function (head, column) {
    var button = head.querySelector("button");
    if (!button) { return; }
    button.addEventListener("click", function () {
      var before = head.getAttribute("aria-sort");
      // Numbers are first wanted large to small, names in the order of the map.
      var ascending = before ? before === "descending" : column === 0;
      heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      sort(table, column, ascending);
    });
  });
})();
