// Comfort for pages that work without it: what is kept up to date, copying, and a key for the search.
"use strict";
(() => {
  document.documentElement.classList.add("script");

  // On narrow screens the navigation begins closed.
  const side = document.querySelector(".side");
  if (side && window.matchMedia("(max-width: 59.99rem)").matches) side.open = false;
  if (side) side.dataset.opened = "";

  // Whatever else is clicked, or Escape, closes a menu.
  const menu = document.querySelector(".menu");
  if (menu) {
    document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { menu.open = false; menu.querySelector("summary").focus(); }
    });
  }

  // Each event carries parts of the page; a part that somebody is at stays as it is.
  const live = document.querySelector("[data-live]");
  if (live) {
    // The newest of each part that somebody is at: it is put there when they leave it, after the last event too.
    const held = new Map();
    const put = (part) => {
      const old = document.getElementById(part.id);
      if (!old) return;
      if (old.contains(document.activeElement)) { held.set(part.id, part); return; }
      held.delete(part.id);
      old.replaceWith(part);
    };
    let source = null;
    let ended = false;
    const open = () => {
      if (source || ended || document.hidden) return;
      source = new EventSource(live.dataset.live);
      source.addEventListener("part", (event) => {
        const parts = new DOMParser().parseFromString(event.data, "text/html").body;
        for (const part of [...parts.children]) if (part.id) put(part);
      });
      source.addEventListener("end", () => { ended = true; close(); });
    };
    const close = () => { if (source) source.close(); source = null; };
    // What nobody sees is not kept up to date.
    document.addEventListener("visibilitychange", () => { if (document.hidden) close(); else open(); });
    // The element that is left is the active one still.
    document.addEventListener("focusout", () => setTimeout(() => { for (const part of [...held.values()]) put(part); }));
    open();
  }

  // A button with data-copy copies the text of the element that it names.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    const from = button && document.getElementById(button.dataset.copy);
    if (!from || !navigator.clipboard) return;
    navigator.clipboard.writeText(from.textContent).then(() => {
      const name = button.textContent;
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = name; }, 1500);
    });
  });

  // A second press of a button is no second form. Who comes back, or has stopped the first, sends it again.
  const sent = new Set();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (sent.has(form)) { event.preventDefault(); return; }
    sent.add(form);
    setTimeout(() => sent.delete(form), 3000);
  });
  window.addEventListener("pageshow", () => sent.clear());

  // "/" goes to the search.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select");
    const search = document.querySelector("[data-search]");
    if (event.key === "/" && !typing && search && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
    }
  });
})();
