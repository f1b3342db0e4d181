// SPDX-License-Identifier: Apache-2.0
//
// The words of saving a timelapse, fetched when somebody does.

export default {
  en: {
    save_intro: "From the moment on the slider, or from the beginning, until now.",
    save_speed: "Frames a second", save_gif: "Save as GIF", save_video: "Save as video",
    save_large: "At most a million pixels, please: a smaller box.",
    save_frames: "{count} frames of {width} × {height}", save_frames_one: "{count} frame of {width} × {height}",
    saving: "Frame {done} of {total}", saved_film: "Saved.",
    save_failed: "It could not be made right now.",
  },
  de: {
    save_intro: "Vom Moment am Regler an, oder vom Anfang, bis jetzt.",
    save_speed: "Bilder je Sekunde", save_gif: "Als GIF sichern", save_video: "Als Video sichern",
    save_large: "Höchstens eine Million Pixel, bitte: ein kleineres Rechteck.",
    save_frames: "{count} Bilder von {width} × {height}", save_frames_one: "{count} Bild von {width} × {height}",
    saving: "Bild {done} von {total}", saved_film: "Gesichert.",
    save_failed: "Das ließ sich gerade nicht machen.",
  },
};
