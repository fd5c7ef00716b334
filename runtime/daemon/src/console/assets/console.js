// What makes pages of the console handier where there are scripts. Every page is whole without it, and all that
// it writes into a page is text.
"use strict";

const zone = document.documentElement.dataset.zone;
const language = navigator.languages.length > 0 ? navigator.languages : undefined;

// Dates as the reader writes them, in the policy's zone; the instant in UTC stays beside.
function localise(root) {
  let format;
  try {
    format = new Intl.DateTimeFormat(language, { timeZone: zone, dateStyle: "medium", timeStyle: "medium" });
  } catch {
    return; // A zone that this browser does not know: the server's text stays.
  }
  for (const time of root.querySelectorAll("time.instant")) {
    const local = time.querySelector(".local");
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    local.title = local.textContent;
    local.textContent = format.format(at);
  }
}

// The list follows what is typed.
function searchAsTyped(form) {
  const field = form.elements.query;
  const results = document.getElementById(form.dataset.liveSearch);
  let timer, running;
  const look = async () => {
    running?.abort();
    running = new AbortController();
    const address = `${form.action}?${new URLSearchParams({ query: field.value })}`;
    results.classList.add("stale");
    try {
      const answer = await fetch(address, { signal: running.signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.getElementById(form.dataset.liveSearch) ?? page.querySelector(".fault");
      results.replaceChildren(...(found.id === results.id ? found.childNodes : [found]));
      history.replaceState(null, "", address);
    } catch (failure) {
      if (failure.name === "AbortError") return;
      results.textContent = "The daemon does not answer. Type again to try again.";
    }
    results.classList.remove("stale");
  };
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, 150);
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    field.focus();
  });
}

// Sliders fill in the fields beside them, and send the form when they are let go.
function slide(form) {
  const format = new Intl.DateTimeFormat(language, { timeZone: zone, dateStyle: "medium", timeStyle: "short" });
  for (const label of form.querySelectorAll("[data-slides]")) {
    const [input, output] = [label.querySelector("input"), label.querySelector("output")];
    const field = form.elements[label.dataset.slides];
    const tell = () => {
      const text = format.format(new Date(Number(input.value)));
      output.textContent = text;
      input.setAttribute("aria-valuetext", text);
    };
    label.hidden = false;
    tell();
    input.addEventListener("input", () => {
      tell();
      field.value = input.value;
    });
    let before = input.value;
    const send = () => {
      if (input.value !== before) form.requestSubmit();
      before = input.value;
    };
    // With a mouse when it is let go; with keys when the slider is left, or by Enter.
    input.addEventListener("pointerup", send);
    input.addEventListener("blur", send);
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        send();
      }
    });
  }
}

// The chart, to be pointed at; the drawing that was there before stays where this fails.
function draw(figure) {
  const data = JSON.parse(figure.dataset.chart);
  const drawing = figure.querySelector("svg");
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const past = data.times.map((time, place) => (time <= data.at ? data.balance[place] : null));
  const last = data.times.findLastIndex((time) => time <= data.at);
  const ahead = data.times.map((time, place) => (place >= last ? data.balance[place] : null));
  const series = [
    {},
    { label: "balance", stroke: colour("balance"), width: 2, points: { show: false } },
    { label: "projection", stroke: colour("projection"), width: 2, dash: [6, 4], points: { show: false } },
    { label: "threshold", stroke: colour("threshold"), dash: [2, 4], points: { show: false } },
  ];
  const values = [data.times.map((time) => time / 1000), past, ahead, data.threshold];
  if (data.corrected) {
    series.push({ label: "as known now", stroke: colour("corrected"), width: 2, points: { show: false } });
    values.push(data.corrected);
  }
  const place = document.createElement("div");
  const axis = { stroke: colour("soft"), grid: { stroke: colour("line") }, ticks: { stroke: colour("line") } };
  const marks = (chart) => {
    const context = chart.ctx;
    context.save();
    for (const [times, name] of [[data.refills, "refill"], [data.late, "late"]]) {
      context.strokeStyle = colour(name);
      context.setLineDash(name === "late" ? [3, 3] : []);
      for (const time of times) {
        const x = chart.valToPos(time / 1000, "x", true);
        if (x < chart.bbox.left || x > chart.bbox.left + chart.bbox.width) continue;
        context.beginPath();
        context.moveTo(x, chart.bbox.top);
        context.lineTo(x, chart.bbox.top + chart.bbox.height);
        context.stroke();
      }
    }
    context.restore();
  };
  const options = {
    width: Math.max(figure.clientWidth, 280),
    height: 300,
    series,
    axes: [axis, { ...axis, size: 90 }],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    hooks: { draw: [marks] },
  };
  const chart = new uPlot(options, values, place);
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", drawing.getAttribute("aria-label"));
  drawing.replaceWith(place);
  new ResizeObserver(() => {
    const width = Math.max(figure.clientWidth, 280);
    if (width !== chart.width) chart.setSize({ width, height: 300 });
  }).observe(figure);
}

// Live figures; a connection that is lost is found again by the browser.
function live(status) {
  const source = new EventSource(status.dataset.live);
  const time = new Intl.DateTimeFormat(language, { timeZone: zone, timeStyle: "medium" });
  let state = "";
  const say = (text) => {
    if (text !== state) status.textContent = state = text;
  };
  source.addEventListener("message", (event) => {
    const figures = JSON.parse(event.data);
    say("Live.");
    status.title = time.format(new Date(figures.now));
    for (const { name, value } of figures.whole) {
      const cell = document.querySelector(`[data-figure="${CSS.escape(name)}"]`);
      if (cell) cell.textContent = value;
    }
    for (const component of figures.components) {
      const row = document.querySelector(`[data-component="${CSS.escape(component.name)}"]`);
      if (!row) continue;
      for (const cell of row.querySelectorAll("[data-cell]")) {
        const name = cell.dataset.cell;
        cell.textContent = component[name] ?? (name === "lastFailure" ? "" : "–");
        if (name === "state") cell.className = component.state === "running" ? "good" : "bad";
      }
    }
  });
  source.addEventListener("error", () => {
    say("The daemon does not answer: these figures are the last ones. Trying again.");
    if (source.readyState === EventSource.CLOSED) setTimeout(() => (source.close(), live(status)), 2000);
  });
}

localise(document);
document.querySelectorAll("[data-live-search]").forEach(searchAsTyped);
document.querySelectorAll("[data-time-controls]").forEach(slide);
document.querySelectorAll("[data-live]").forEach(live);
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
if (typeof uPlot === "function") document.querySelectorAll("[data-chart]").forEach(draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => location.reload());
