// Listens for the queue of one branch. What was shown last stays, with a word that it is old, whenever nothing is heard: a
// queue that cannot be read is not an empty one.
"use strict";
(() => {
  const board = document.getElementById("board");
  const old = document.getElementById("old");
  const clock = document.getElementById("at");
  const spoken = new Set(JSON.parse(board.dataset.spoken));
  const cell = (row, text, name) => {
    const made = document.createElement("td");
    made.textContent = text;
    made.className = name || "";
    row.append(made);
  };
  const time = (at) => at.slice(11, 19);
  const stale = () => { old.hidden = false; };

  function speak(call) {
    const key = call.number + " " + call.calls;
    if (spoken.has(key) || !window.speechSynthesis) return;
    spoken.add(key);
    // The browser says one after the other: a second call does not swallow the first.
    const words = new SpeechSynthesisUtterance("请" + call.number.split("").join(" ") + "号，到" + call.desk);
    words.lang = "zh-CN";
    words.rate = 0.9;
    window.speechSynthesis.speak(words);
  }

  function show(news) {
    const called = document.getElementById("called");
    called.replaceChildren(...news.called.map((call) => {
      const row = document.createElement("tr");
      cell(row, call.number, "call");
      cell(row, call.desk, "call");
      return row;
    }));
    const lines = document.getElementById("lines");
    lines.replaceChildren(...news.lines.map((line) => {
      const row = document.createElement("tr");
      cell(row, line.name);
      cell(row, line.waiting + "人");
      return row;
    }));
    document.getElementById("nobody").hidden = news.called.length > 0;
    clock.textContent = time(news.at);
    old.hidden = true;
    [...news.called].reverse().forEach(speak);
  }

  function listen() {
    const source = new EventSource("/api/v1/events?branch=" + encodeURIComponent(board.dataset.branch));
    source.addEventListener("board", (event) => show(JSON.parse(event.data)));
    source.addEventListener("trouble", stale);
    source.onerror = () => {
      stale();
      // Where the browser has given up, we have not.
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
    };
  }
  listen();
})();
