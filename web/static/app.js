// Makes pages better that work without it: progress that moves, counters that count.
"use strict";

const POLL_MS = 1500;
const POLL_MAX_MS = 15000;

function startPolling(place) {
  let wait = POLL_MS;
  const before = place.dataset.pollState;

  function show(now) {
    const label = place.querySelector("[data-poll-label]");
    const text = place.querySelector("[data-poll-text]");
    const bar = place.querySelector("[data-poll-bar]");
    if (label && label.textContent !== now.label) label.textContent = now.label;
    if (text && now.text && text.textContent !== now.text) text.textContent = now.text;
    if (bar && now.total) bar.value = now.percent;
  }

  async function ask() {
    if (document.hidden) return plan();
    try {
      const answer = await fetch(place.dataset.poll, { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      const now = await answer.json();
      wait = POLL_MS;
      show(now);
      if (now.over || (before && now.state !== before)) return location.reload();
    } catch {
      wait = Math.min(wait * 2, POLL_MAX_MS);
    }
    plan();
  }

  function plan() {
    setTimeout(ask, wait);
  }

  plan();
}

function startCounting(box) {
  const limit = Number(box.dataset.limit);
  const count = document.createElement("p");
  count.className = "count";
  count.id = `${box.id}-count`;
  box.setAttribute("aria-describedby", count.id);
  box.after(count);

  function update() {
    const used = [...box.value.normalize("NFC")].length;
    count.textContent = `${used.toLocaleString("en")} / ${limit.toLocaleString("en")} characters`;
    count.classList.toggle("over", used > limit);
  }

  box.addEventListener("input", update);
  update();
}

function submitOnChange(form) {
  form.querySelector("button").hidden = true;
  form.addEventListener("change", () => form.requestSubmit());
}

document.documentElement.classList.add("has-script");
document.querySelectorAll("[data-poll]").forEach(startPolling);
document.querySelectorAll("textarea[data-limit]").forEach(startCounting);
document.querySelectorAll("form[data-autosubmit]").forEach(submitOnChange);
