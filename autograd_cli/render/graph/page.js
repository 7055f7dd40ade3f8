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
  const pane = element("drawing");
  const svg = document.querySelector(".graph");
  const natural = svg.viewBox.baseVal;
  const gradients = new Map(data.boxes.map((box) => {
    const g = shape(box.id);
    return [box.id, g && g.querySelector(".gradient")];
  }));
  let pinned = null;  // by a click or Enter
  let current = null;  // of the step that is played
  let chosen = null;  // what the details are about
  let scale = 1;
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
    if (chosen && shape(chosen)) shape(chosen).classList.remove("chosen");
    chosen = id;
    if (box) shape(id).classList.add("chosen");
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

  const choose = (id) => {
    element("facts").setAttribute("aria-live", id ? "polite" : "off");  // steps have the status
    show(id || pinned || current);
  };

  const pin = (id) => {
    if (pinned) shape(pinned).setAttribute("aria-pressed", "false");
    pinned = pinned === id ? null : id;
    if (pinned) shape(pinned).setAttribute("aria-pressed", "true");
    choose(id);
  };

  const reveal = (id) => {
    const how = { block: "nearest", inline: "nearest" };
    if (shape(id)) shape(id).scrollIntoView(how);
  };

  // What is at (x, y) of the pane stays there.
  const zoom = (wanted, x = pane.clientWidth / 2, y = pane.clientHeight / 2) => {
    const before = scale;
    scale = Math.max(0.05, Math.min(4, wanted));
    const left = (pane.scrollLeft + x) * scale / before - x;
    const top = (pane.scrollTop + y) * scale / before - y;
    svg.style.width = natural.width * scale + "px";
    svg.style.height = natural.height * scale + "px";
    pane.scrollLeft = left;
    pane.scrollTop = top;
    element("fit").setAttribute("aria-pressed", "false");
  };

  const fit = (wanted) => {
    zoom(wanted ? Math.min(1, pane.clientWidth / natural.width) : 1);
    element("fit").setAttribute("aria-pressed", String(wanted));
  };

  let reached = null;  // by the Tab key
  const reach = (id) => {
    if (reached) shape(reached).setAttribute("tabindex", "-1");
    reached = id;
    shape(id).setAttribute("tabindex", "0");
  };

  const focus = (id) => {
    reach(id);
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
      const text = gradients.get(box.id);
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
    current = step === null || all ? null : step.box;
    choose(document.activeElement.dataset.id);
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
  element("smaller").addEventListener("click", () => zoom(scale / 1.25));
  element("larger").addEventListener("click", () => zoom(scale * 1.25));
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
    if (event.key === "+" || event.key === "=") zoom(scale * 1.25);
    if (event.key === "-") zoom(scale / 1.25);
  });
  pane.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const { left, top } = pane.getBoundingClientRect();
    zoom(scale * Math.exp(-event.deltaY / 300), event.clientX - left, event.clientY - top);
  }, { passive: false });

  // The mouse drags the drawing; a click that ends a drag is none.
  let grip = null;
  pane.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    grip = { x: event.clientX, y: event.clientY, left: pane.scrollLeft, top: pane.scrollTop };
  });
  window.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const [x, y] = [event.clientX - grip.x, event.clientY - grip.y];
    if (Math.hypot(x, y) > 4) grip.moved = true;
    if (!grip.moved) return;
    pane.scrollLeft = grip.left - x;
    pane.scrollTop = grip.top - y;
  });
  window.addEventListener("pointerup", () => {
    const moved = grip && grip.moved;
    grip = null;
    if (!moved) return;
    const swallow = (event) => event.stopPropagation();
    window.addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => window.removeEventListener("click", swallow, true), 0);
  });

  if (focusable.length) {
    const start = byId.get(data.root) && shape(data.root) ? data.root : focusable[0].id;
    reach(start);
  }
  slider.max = String(last);
  draw(last);
  const room = pane.clientWidth;
  if (natural.width > room && natural.width < 2 * room) fit(true);
  const root = shape(data.root).getBoundingClientRect();
  pane.scrollLeft += root.left + root.width / 2 - pane.getBoundingClientRect().left - pane.clientWidth / 2;
})();
