"use strict";
(() => {
  const data = JSON.parse(document.getElementById("graph-data").textContent);
  const byId = new Map(data.boxes.map((box) => [box.id, box]));
  const shape = (id) => document.getElementById("box-" + id);
  const element = (name) => document.getElementById(name);
  const arrows = [...document.querySelectorAll(".graph .arrow")];
  const labels = [...document.querySelectorAll(".graph .label")];
  const focusable = data.boxes.filter((box) => shape(box.id) && shape(box.id).hasAttribute("tabindex"));
  const expression = element("expression");
  const slider = element("step");
  const status = element("status");
  const last = data.steps.length;
  let pinned = null;
  let timer = null;

  // Text from the expression only ever becomes a text node.
  const node = (tag, text, name) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (name) made.className = name;
    return made;
  };

  const highlight = (span) => {
    const text = data.expression;
    expression.replaceChildren();
    if (!span) {
      expression.append(text);
      return;
    }
    const mark = node("mark", text.slice(span[0], span[1]));
    expression.append(text.slice(0, span[0]), mark, text.slice(span[1]));
    const top = mark.offsetTop - expression.offsetTop;
    if (expression.scrollHeight > expression.clientHeight) expression.scrollTop = top - 30;
  };

  const list = (title, lines) => {
    if (!lines.length) return [];
    const items = node("ul");
    for (const line of lines) items.append(node("li", line));
    return [node("h2", title), items];
  };

  const show = (id) => {
    const box = byId.get(id);
    for (const one of focusable) shape(one.id).classList.toggle("chosen", one.id === id);
    const details = element("facts");
    details.replaceChildren();
    if (!box) {
      details.append(node("p", "Point at a node, or move to it with the keyboard.", "hint"));
      highlight(null);
      return;
    }
    highlight(box.span);
    const facts = node("dl");
    for (const [name, text] of box.facts) facts.append(node("dt", name), node("dd", text, "number"));
    details.append(node("h2", box.title), facts);
    details.append(...list("Receives", box.receives), ...list("Sends", box.sends));
  };

  const choose = (id) => show(id || pinned);

  const pin = (id) => {
    pinned = pinned === id ? null : id;
    for (const one of focusable) {
      shape(one.id).setAttribute("aria-pressed", String(one.id === pinned));
    }
    choose(id);
  };

  const reveal = (id) => {
    const how = { block: "nearest", inline: "nearest" };
    if (shape(id)) shape(id).scrollIntoView(how);
  };

  const fit = (wanted) => {
    element("drawing").classList.toggle("fit", wanted);
    element("fit").setAttribute("aria-pressed", String(wanted));
  };

  const focus = (id) => {
    for (const one of focusable) shape(one.id).setAttribute("tabindex", one.id === id ? "0" : "-1");
    shape(id).focus({ preventScroll: true });
    reveal(id);
  };

  const neighbour = (id, key) => {
    const box = byId.get(id);
    const order = focusable.map((one) => one.id);
    const known = (names) => names.find((name) => order.includes(name));
    if (key === "ArrowDown") return known(box.below);
    if (key === "ArrowUp") return known(box.above);
    if (key === "Home") return data.root;
    if (key === "End") return order[0];
    const place = order.indexOf(id) + (key === "ArrowRight" ? 1 : -1);
    return order[(place + order.length) % order.length];
  };

  for (const box of focusable) {
    const g = shape(box.id);
    g.addEventListener("mouseenter", () => choose(box.id));
    g.addEventListener("mouseleave", () => choose(null));
    g.addEventListener("focus", () => choose(box.id));
    g.addEventListener("blur", () => choose(null));
    g.addEventListener("click", () => pin(box.id));
    g.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        pin(box.id);
      } else if (/^(Arrow(Up|Down|Left|Right)|Home|End)$/.test(event.key)) {
        event.preventDefault();
        const next = neighbour(box.id, event.key);
        if (next) focus(next);
      } else if (event.key === "Escape" && pinned) {
        pin(pinned);
      }
    });
  }

  // The passes: after `position` steps, what has been computed so far.
  const draw = (position) => {
    const known = new Set();
    const ready = new Set();
    const sent = new Set();
    const partial = new Map();
    data.steps.slice(0, position).forEach((step) => {
      if (step.pass === "forward") known.add(step.box);
      else ready.add(step.box);
      for (const [target, running] of step.arrived || []) {
        sent.add(step.box + " " + target);
        partial.set(target, running);
      }
    });
    for (const [id] of partial) if (byId.get(id).leaf) ready.add(id);
    const all = position === last;
    const step = position > 0 ? data.steps[position - 1] : null;
    for (const box of data.boxes) {
      const g = shape(box.id);
      if (!g) continue;
      const stepped = box.steps;
      const now = step !== null && !all && step.box === box.id;
      g.classList.toggle("to-come", stepped && !all && !known.has(box.id));
      g.classList.toggle("grad-to-come", stepped && !all && !ready.has(box.id));
      g.classList.toggle("now", now);
      g.classList.toggle("forward-now", now && step.pass === "forward");
      g.classList.toggle("backward-now", now && step.pass === "backward");
      const text = g.querySelector(".gradient");
      if (text && box.leaf) {
        const running = partial.get(box.id);
        text.textContent = "gradient " + (all || running === undefined ? box.gradient : running);
      }
    }
    const backward = step !== null && !all && step.pass === "backward";
    for (const arrow of arrows) {
      arrow.classList.toggle("now", backward && arrow.dataset.from === step.box &&
        (step.arrived || []).some(([target]) => target === arrow.dataset.to));
    }
    for (const label of labels) {
      const pair = label.dataset.from + " " + label.dataset.to;
      label.classList.toggle("to-come", !all && !sent.has(pair));
    }
    status.textContent = step === null ? data.start : step.text;
    if (all) status.textContent += " " + data.end;
    status.className = step === null || all ? "" : step.pass;
    element("first").disabled = element("back").disabled = position === 0;
    element("next").disabled = element("end").disabled = position === last;
    slider.value = String(position);
    slider.setAttribute("aria-valuetext", status.textContent);
    if (step !== null && !all && document.activeElement === document.body) {
      highlight(byId.get(step.box).span);
    }
  };

  const stop = () => {
    clearInterval(timer);
    timer = null;
    element("play").textContent = "Play";
  };
  const go = (position) => draw(Math.max(0, Math.min(last, position)));
  const at = () => Number(slider.value);
  const follow = (position) => {
    go(position);
    const step = data.steps[at() - 1];
    if (step && at() < last) reveal(step.box);
  };
  const move = (position) => {
    stop();
    follow(position);
  };

  element("first").addEventListener("click", () => move(0));
  element("back").addEventListener("click", () => move(at() - 1));
  element("next").addEventListener("click", () => move(at() + 1));
  element("end").addEventListener("click", () => move(last));
  slider.addEventListener("input", () => move(at()));
  element("fit").addEventListener("click", () => {
    fit(element("fit").getAttribute("aria-pressed") === "false");
  });
  element("play").addEventListener("click", () => {
    if (timer !== null) {
      stop();
      return;
    }
    if (at() === last) go(0);
    element("play").textContent = "Pause";
    timer = setInterval(() => {
      follow(at() + 1);
      if (at() === last) stop();
    }, 900);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === slider) return;
    if (event.key === "n") move(at() + 1);
    if (event.key === "p") move(at() - 1);
  });

  if (focusable.length) {
    const start = byId.get(data.root) && shape(data.root) ? data.root : focusable[0].id;
    shape(start).setAttribute("tabindex", "0");
  }
  slider.max = String(last);
  show(null);
  draw(last);
  const pane = element("drawing");
  const wide = document.querySelector(".graph").getBoundingClientRect().width;
  fit(wide > pane.clientWidth && wide < 2 * pane.clientWidth);
  const root = shape(data.root).getBoundingClientRect();
  pane.scrollLeft += root.left + root.width / 2 - pane.getBoundingClientRect().left - pane.clientWidth / 2;
})();
