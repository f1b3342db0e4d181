// SPDX-License-Identifier: Apache-2.0
//
// Saving a timelapse of one part of the board, as a GIF or, where the browser records
// canvases, as a video. Made here, from what the slider shows; nothing is uploaded.

import { cornersOf, sizeOf } from "../box.js";
import { choice, el } from "../dom.js";
import { Gif } from "../gif.js";
import { Past } from "../past.js";
import { wordsOf } from "../renderer/palette.js";
import { addWords, t } from "../strings.js";
import words from "../strings/timelapse.js";
import { AREA_MAX, cutFrame, enlargement, pickMoments } from "../timelapse.js";
import { boxFields } from "./box_fields.js";

addWords(words);

const SPEEDS = [2, 5, 10, 20];
const VIDEOS = { "video/webm": "webm", "video/mp4": "mp4" };

/// The first kind of video that this browser makes of a canvas; null if it makes none.
const videoType = () => typeof MediaRecorder === "undefined" ? null
  : Object.keys(VIDEOS).find((type) => MediaRecorder.isTypeSupported(type)) ?? null;

/// {element, tell(), end()}; `first()` is the number of the moment to begin with, and
/// tell() has to be called when that is another.
export function savePart(app, { moments, first }) {
  const { store, view, client } = app;
  const past = new Past(app.env); // the slider has its own
  let box = null, making = null;
  const facts = el("p", { class: "soft", id: "save-facts" }, t("box_none"));
  const bar = el("progress", { max: 1, value: 0, hidden: true, "aria-labelledby": "save-facts" });
  const fields = boxFields(app, (chosen) => {
    box = chosen;
    view.show({ boxes: box ? [{ ...box, drawn: true }] : [] });
    tell();
  });
  const speed = choice(t("save_speed"), Object.fromEntries(SPEEDS.map((n) => [n, String(n)])),
                       "5", () => {});
  const button = (id, text, make) => el("button", {
    type: "button", id, onclick: () => start(make) }, text);
  const type = videoType();
  const saves = [button("save-gif", t("save_gif"), saveGif)];
  if (type) saves.push(button("save-video", t("save_video"), saveVideo));
  const stop = el("button", { type: "button", hidden: true, onclick: () => making.abort() },
                  t("cancel"));

  function plan() {
    const size = sizeOf(box), by = enlargement(box);
    return {
      box, by, width: size.width * by, height: size.height * by,
      moments: pickMoments(moments, first()), palette: store.get("palette"),
      ms: 1000 / Number(speed.querySelector("select").value),
    };
  }

  /// What would be made, and whether it can be.
  function tell() {
    const size = box && sizeOf(box);
    const large = size && size.width * size.height > AREA_MAX;
    for (const one of saves) one.disabled = !box || large || making;
    stop.hidden = bar.hidden = !making;
    if (making) return;
    facts.textContent = !box ? t("box_none") : large ? t("save_large")
      : t("save_frames", { ...plan(), count: plan().moments.length + 1 });
  }

  async function start(make) {
    making = new AbortController();
    const { signal } = making;
    const film = plan();
    tell();
    try {
      const parts = await make(film, signal);
      if (!signal.aborted) {
        save(parts, film.box);
        app.toast(t("saved_film"), "good");
      }
    } catch {
      if (!signal.aborted) app.toast(t("save_failed"), "bad");
    }
    making = null;
    tell();
  }

  /// Each frame in turn, until it is given up.
  async function* frames(film, signal) {
    const total = film.moments.length + 1;
    for (let done = 0; done < total; done++) {
      const moment = film.moments[done]; // behind the last one is now
      const board = moment ? await past.at(moment.seq, client.picture) : client.picture;
      await app.env.breathe();
      if (signal.aborted) return;
      bar.value = (done + 1) / total;
      facts.textContent = t("saving", { done: done + 1, total });
      yield cutFrame(board, film.box, film.by, film.palette.length);
    }
  }

  async function saveGif(film, signal) {
    const gif = new Gif(film.width, film.height, film.palette);
    for await (const frame of frames(film, signal)) gif.frame(frame, film.ms);
    return { parts: gif.end(), type: "image/gif", ending: "gif" };
  }

  /// Recorded as it is shown: it takes as long as it lasts.
  async function saveVideo(film, signal) {
    const canvas = el("canvas");
    Object.assign(canvas, { width: film.width, height: film.height });
    const context = canvas.getContext("2d");
    const image = context.createImageData(film.width, film.height);
    const pixels = new Uint32Array(image.data.buffer);
    const colors = wordsOf(film.palette);
    context.putImageData(image, 0, 0);
    const stream = canvas.captureStream();
    const recorder = new MediaRecorder(stream, { mimeType: type });
    const parts = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    const ended = new Promise((done) => { recorder.onstop = done; });
    recorder.start();
    for await (const frame of frames(film, signal)) {
      for (let n = 0; n < frame.length; n++) pixels[n] = colors[frame[n]];
      context.putImageData(image, 0, 0);
      await new Promise((done) => { setTimeout(done, film.ms); });
    }
    recorder.stop();
    await ended;
    for (const track of stream.getTracks()) track.stop();
    return { parts, type, ending: VIDEOS[type] };
  }

  const element = el("div", {}, el("p", { class: "soft" }, t("save_intro")), fields.element,
                     speed, facts, bar, el("div", { class: "buttons" }, ...saves, stop));
  tell();
  return { element, tell, end() {
    making?.abort();
    fields.end();
    view.show({ boxes: [] });
  } };
}

function save({ parts, type, ending }, box) {
  const href = URL.createObjectURL(new Blob(parts, { type }));
  el("a", { href, download: `timelapse-${cornersOf(box).join("-")}.${ending}` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60000);
}
