// What pages do beyond what they are: keys, live runs, moments that move on. Every page works without it.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);

  // Moments as seen from now, as the server writes them.
  const units = [[60, "second", 1], [3600, "minute", 60], [86400, "hour", 3600], [5184000, "day", 86400], [Infinity, "month", 2592000]];
  const relative = (at) => {
    const seconds = Math.round((Date.now() - at) / 1000);
    const much = Math.abs(seconds);
    if (much < 5) return "just now";
    const [, unit, size] = units.find(([most]) => much < most);
    const count = Math.floor(much / size);
    const span = `${count} ${unit}${count === 1 ? "" : "s"}`;
    return seconds > 0 ? `${span} ago` : `in ${span}`;
  };
  const moveOn = () => {
    for (const time of document.querySelectorAll("time[data-relative]")) {
      const at = Date.parse(time.dateTime);
      const text = Number.isNaN(at) ? "" : relative(at);
      if (text && time.textContent !== text) time.textContent = text;
    }
  };
  setInterval(moveOn, 15000);

  const toast = (text) => {
    const told = document.createElement("p");
    told.textContent = text;
    byId("toasts").append(told);
    setTimeout(() => told.remove(), 8000);
  };

  // What was done is told once.
  if (document.querySelector("[data-done]")) {
    const url = new URL(location.href);
    url.searchParams.delete("done");
    history.replaceState(null, "", url);
  }
  document.querySelector("[data-focus]")?.focus();

  // Keys.
  const typing = (target) => target.closest("input, textarea, select, [contenteditable]");
  let led = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const goes = Date.now() - led < 1500;
    led = 0;
    if (goes) {
      const place = document.querySelector(`nav.side a[data-key="${CSS.escape(event.key)}"]`);
      if (place) { event.preventDefault(); location.assign(place.href); }
    } else if (event.key === "g") {
      led = Date.now();
    } else if (event.key === "/") {
      const search = document.querySelector("[data-search]");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    } else if (event.key === "?") {
      event.preventDefault();
      byId("keys").showModal();
    }
  });

  // A form is sent once.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.method === "post") form.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // What leads elsewhere is another thing: whoever has the focus on a link presses that one, or none.
  const leads = (one) => one.getAttribute?.("href") ?? one.getAttribute?.("action") ?? null;
  // Makes a part of the page like a fresh one in place: what is the same stays, with its focus, and what somebody unfolded stays so.
  const become = (old, fresh) => {
    if (old.nodeName !== fresh.nodeName || old.id !== fresh.id || leads(old) !== leads(fresh)) { old.replaceWith(fresh); return; }
    if (old.nodeType !== Node.ELEMENT_NODE) { if (old.data !== fresh.data) old.data = fresh.data; return; }
    if (old.isEqualNode(fresh)) return;
    const kept = (name) => (name === "open" && old.nodeName === "DETAILS") || name === "data-sent";
    for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !kept(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value && !kept(name)) old.setAttribute(name, value);
    become.children(old, fresh);
  };
  become.children = (old, fresh) => {
    const [own, others] = [[...old.childNodes], [...fresh.childNodes]];
    others.forEach((other, index) => { if (index < own.length) become(own[index], other); else old.append(other); });
    own.slice(others.length).forEach((one) => one.remove());
  };

  // What somebody looks at stays where it is while what stands above it grows: what has the focus where that is seen, or the first thing
  // that is seen. At the top of the page the page is what they look at.
  const held = () => {
    if (scrollY === 0) return null;
    const isSeen = (one) => { const { top, bottom } = one.getBoundingClientRect(); return bottom > 0 && top < innerHeight; };
    const focus = document.activeElement;
    if (byId("content").contains(focus) && focus !== byId("content") && isSeen(focus)) return focus;
    return [...document.querySelectorAll("main :is(h2, h3, dt, li, tr)")].find((one) => one.getBoundingClientRect().top >= 0) ?? null;
  };

  // Live: what changed is fetched again, and only what is marked is put in its place.
  let asking = false;
  let again = false;
  const stateOf = (part) => part?.querySelector(".mark")?.textContent.trim();
  const load = async () => {
    if (asking) { again = true; return; }
    asking = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
      if (answer.ok && !answer.redirected) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (!("polls" in page.body.dataset)) delete document.body.dataset.polls;
        const [before, after] = [stateOf(byId("state")), stateOf(page.getElementById("state"))];
        if (before && after && before !== after && !isOver) toast(`It is now: ${after}.`);
        const focus = document.activeElement;
        const stays = held();
        const top = stays?.getBoundingClientRect().top;
        for (const part of document.querySelectorAll("[data-live]")) {
          const fresh = page.getElementById(part.id);
          if (fresh) become.children(part, document.importNode(fresh, true));
        }
        if (!focus.isConnected) byId("content").focus({ preventScroll: true });
        if (stays?.isConnected) scrollBy(0, stays.getBoundingClientRect().top - top);
      }
    } catch { /* The next event tries again. */ }
    asking = false;
    if (again) { again = false; load(); }
  };
  // A page that waits for others is loaded again, until nothing more comes.
  if ("polls" in document.body.dataset) setInterval(() => { if (!document.hidden && "polls" in document.body.dataset) load(); }, 2000);

  const events = document.body.dataset.events;
  let isOver = false;
  if (events && window.EventSource) {
    const source = new EventSource(events);
    let waits;
    const soon = () => { clearTimeout(waits); waits = setTimeout(load, 200); };
    let first = true;
    source.addEventListener("entry", () => { if (!first) soon(); });
    setTimeout(() => { first = false; soon(); }, 1000);
    source.addEventListener("end", (event) => {
      source.close();
      isOver = true;
      soon();
      if (!first) toast(`The run is over: ${JSON.parse(event.data).state.replaceAll("-", " ")}.`);
    });
    addEventListener("pagehide", () => source.close());
  }

  // Forms of the catalog: fields that are not asked for are hidden, and what is wrong is said while somebody types.
  const form = document.querySelector("form[data-check]");
  if (form) {
    document.documentElement.classList.add("scripted");
    const fields = new Map([...form.querySelectorAll(".field[data-field]")].map((one) => [one.dataset.field, one]));
    const inputsOf = (field) => [...field.querySelectorAll("input, select, textarea")];
    const valueOf = (field) => {
      const given = inputsOf(field).filter((one) => one.name.startsWith("field.") && (!["radio", "checkbox"].includes(one.type) || one.checked)).map((one) => one.value).filter((one) => one !== "");
      if (given.length === 0) return field.dataset.default === undefined ? null : JSON.parse(field.dataset.default);
      return field.dataset.kind === "multiselect" ? given : given[0];
    };
    const same = (one, other) => one !== null && String(one) === String(other);
    const order = (one, other) => (typeof other === "number" ? Number(one) - other : String(one).localeCompare(String(other)));
    const holds = ({ operator, value: wanted }, value) => {
      const ordered = (test) => value !== null && test(order(value, wanted));
      switch (operator) {
        case "eq": return same(value, wanted);
        case "ne": return !same(value, wanted);
        case "gt": return ordered((by) => by > 0);
        case "gte": return ordered((by) => by >= 0);
        case "lt": return ordered((by) => by < 0);
        case "lte": return ordered((by) => by <= 0);
        case "in": return [].concat(wanted).some((one) => same(value, one));
        case "notIn": return ![].concat(wanted).some((one) => same(value, one));
        case "contains": return Array.isArray(value) ? value.some((one) => same(one, wanted)) : String(value ?? "").includes(String(wanted));
        default: return true;
      }
    };
    const isAsked = (field, depth = 0) => {
      if (!field.dataset.when || depth > 16) return true;
      const condition = JSON.parse(field.dataset.when);
      const decider = fields.get(condition.field);
      return !decider || (isAsked(decider, depth + 1) && holds(condition, valueOf(decider)));
    };
    const arrange = () => {
      for (const field of fields.values()) {
        const asked = isAsked(field);
        field.hidden = !asked;
        for (const input of inputsOf(field)) input.disabled = !asked;
      }
    };
    const touched = new Set();
    const mark = (field, fresh) => {
      const own = field.querySelector(".wrongs");
      const found = fresh?.querySelector(".wrongs");
      if (!own || !found || field.dataset.kind === "file") return;
      if (own.innerHTML !== found.innerHTML) own.replaceChildren(...document.importNode(found, true).childNodes);
      for (const input of inputsOf(field)) {
        if (own.childElementCount && input.type !== "checkbox") input.setAttribute("aria-invalid", "true");
        else input.removeAttribute("aria-invalid");
      }
    };
    let turn = 0;
    const check = async () => {
      const mine = ++turn;
      const sent = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
      sent.set("do", "check");
      try {
        const answer = await fetch(form.action, { method: "POST", body: sent, headers: { accept: "text/html" } });
        if (mine !== turn || (answer.status !== 200 && answer.status !== 422)) return;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.querySelector("form[data-check]");
        if (!fresh) return;
        for (const name of touched) {
          const field = fields.get(name);
          if (field) mark(field, fresh.querySelector(`.field[data-field="${CSS.escape(name)}"]`));
        }
        const state = byId("check");
        const fits = answer.status === 200;
        const count = fresh.querySelectorAll(".field:not([data-kind=file]) .wrong").length;
        state.toggleAttribute("data-fits", fits);
        const text = fits ? "All of it fits." : count === 0 ? "" : count === 1 ? "One field is not right yet." : `${count} fields are not right yet.`;
        if (state.textContent !== text) state.textContent = text;
        if (fresh.dataset.draft) history.replaceState(null, "", fresh.dataset.draft);
      } catch { /* What is wrong is said when it is sent. */ }
    };
    let waits;
    const changed = (event) => {
      const field = event.target.closest(".field[data-field]");
      if (field) touched.add(field.dataset.field);
      arrange();
      clearTimeout(waits);
      waits = setTimeout(check, 500);
    };
    form.addEventListener("input", changed);
    form.addEventListener("submit", () => { clearTimeout(waits); turn++; });
    arrange();
    addEventListener("pageshow", arrange);
  }

  // What waits for whoever looks is counted anew now and then, while they look.
  const inbox = document.querySelector('nav.side a[href="/inbox"]');
  const count = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch("/api/v1/inbox", { headers: { accept: "application/json" }, cache: "no-store" });
      if (!answer.ok) return;
      const { approvals, tasks, changes } = await answer.json();
      const [now, badge] = [approvals + tasks + changes, inbox.querySelector(".badge")];
      const before = badge ? Number.parseInt(badge.textContent, 10) : 0;
      if (now === before) return;
      badge?.remove();
      if (now > 0) {
        const told = document.createElement("span");
        const unseen = document.createElement("span");
        told.className = "badge";
        unseen.className = "unseen";
        unseen.textContent = " waiting for you";
        told.append(String(now), unseen);
        inbox.append(told);
      }
      if (now > before) toast(now === 1 ? "Something waits for you in the inbox." : `${now} things wait for you in the inbox.`);
    } catch { /* The next time tries again. */ }
  };
  if (inbox) {
    setInterval(count, 15000);
    document.addEventListener("visibilitychange", count);
  }
})();
