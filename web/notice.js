// SPDX-License-Identifier: Apache-2.0
//
// "You may place again": in the title, by sound, vibration or a notification, as
// the visitor chose.

export class ReadyNotice {
  constructor(settings, texts) {
    this.settings = settings;
    this.texts = texts;
    this.shown = false;
    this.audio = null;
    this.note = null;
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.clear();
    });
  }

  /// Must be called from a click: browsers ask then, and allow sound.
  async prepare() {
    if (this.settings.get("bySound")) this.audio ??= new AudioContext();
    if (this.settings.get("byNotification") && "Notification" in window &&
        Notification.permission === "default")
      await Notification.requestPermission();
  }

  tell() {
    const { settings } = this;
    if (settings.get("byTitle") && document.hidden) {
      this.shown = true;
      document.title = `● ${this.texts("notice_title")}`;
    }
    if (settings.get("bySound")) this.beep();
    if (settings.get("byVibration")) navigator.vibrate?.([80, 60, 80]);
    if (settings.get("byNotification") && "Notification" in window &&
        Notification.permission === "granted" && document.hidden) this.notify();
  }

  notify() {
    try {
      this.note = new Notification(this.texts("notice_title"), { tag: "stipple", icon: "icon.svg" });
    } catch {
      // Android's browsers have it, and let only service workers use it.
    }
  }

  clear() {
    if (!this.shown) return;
    this.shown = false;
    this.audio = null;
    this.note = null;
    document.title = this.texts("title");
  }

  beep() {
    try {
      this.audio ??= new AudioContext();
      const { currentTime } = this.audio;
      const gain = this.audio.createGain();
      gain.gain.setValueAtTime(0.12, currentTime);
      gain.gain.exponentialRampToValueAtTime(0.001, currentTime + 0.5);
      gain.connect(this.audio.destination);
      const tone = this.audio.createOscillator();
      tone.frequency.setValueAtTime(660, currentTime);
      tone.frequency.setValueAtTime(880, currentTime + 0.15);
      tone.connect(gain);
      tone.start();
      tone.stop(currentTime + 0.5);
    } catch {
      // No sound device.
    }
  }
}
