// SPDX-License-Identifier: Apache-2.0
//
// The board with WebGL2: its bytes are one texture of small integers, in rows of
// 4096 whatever the board's own width, so that any board fits; the palette is a
// uniform. A change uploads the bytes that changed.

import { wordsOf } from "./palette.js";

const ROW = 4096; // texels; every WebGL2 has textures of that width
const UPLOAD_ROWS = 256; // a frame: a megabyte
const SINGLE_MAX = 64; // more changes than these go up as parts of rows

const VERTEX = `#version 300 es
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0;
  gl_Position = vec4(corner, 0.0, 1.0);
}`;

// Zoomed out, a screen pixel is the mean of up to 4 x 4 of the board's.
const FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D pixels;
uniform vec3 palette[256];
uniform vec2 origin;   // of the board, in device pixels from the top left
uniform float scale;   // device pixels per board pixel
uniform ivec2 size;
uniform float height;
uniform int loaded;    // pixels that are uploaded
uniform vec3 ground;
uniform vec3 checker;
out vec4 color;

vec3 at(ivec2 p, vec2 screen) {
  if (p.x < 0 || p.y < 0 || p.x >= size.x || p.y >= size.y) return ground;
  int index = p.y * size.x + p.x;
  if (index >= loaded) {
    ivec2 square = ivec2(screen) / 16;
    return ((square.x + square.y) & 1) == 0 ? ground : checker;
  }
  return palette[texelFetch(pixels, ivec2(index & 4095, index >> 12), 0).r];
}

void main() {
  vec2 screen = vec2(gl_FragCoord.x, height - gl_FragCoord.y);
  int count = scale >= 1.0 ? 1 : min(4, int(ceil(1.0 / scale)));
  vec3 sum = vec3(0.0);
  for (int j = 0; j < count; j++)
    for (int i = 0; i < count; i++) {
      vec2 shift = (vec2(i, j) + 0.5) / float(count) - 0.5;
      sum += at(ivec2(floor((screen + shift - origin) / scale)), screen);
    }
  color = vec4(sum / float(count * count), 1.0);
}`;

/// Null if there is no WebGL2.
export function createWebGl(canvas) {
  const gl = canvas.getContext("webgl2", {
    alpha: false, antialias: false, depth: false, powerPreference: "low-power",
  });
  return gl && new WebGlRenderer(canvas, gl);
}

class WebGlRenderer {
  constructor(canvas, gl) {
    this.canvas = canvas;
    this.gl = gl;
    this.picture = null;
    this.palette = [];
    this.lost = false;
    this.restored = () => {};
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      this.lost = true;
    });
    canvas.addEventListener("webglcontextrestored", () => {
      this.lost = false;
      this.prepare();
      this.setPalette(this.palette);
      if (this.picture) this.setPicture(this.picture);
      this.restored();
    });
    this.prepare();
  }

  get kind() { return "webgl"; }

  /// Whether the whole picture is up.
  get ready() { return !this.picture || this.loaded === this.picture.pixels.length; }

  prepare() {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [type, text] of [[gl.VERTEX_SHADER, VERTEX],
                                [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    this.at = (name) => gl.getUniformLocation(program, name);
    this.places = Object.fromEntries(["palette", "origin", "scale", "size",
      "height", "loaded", "ground", "checker"].map((name) => [name, this.at(name)]));
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    this.texture = null;
  }

  resize(width, height, ratio) {
    this.ratio = ratio;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.gl.viewport(0, 0, this.canvas.width, this.canvas.height);
  }

  setPalette(palette) {
    this.palette = palette;
    const values = new Float32Array(256 * 3);
    wordsOf(palette).forEach((word, index) => {
      for (let n = 0; n < 3; n++)
        values[3 * index + n] = (word >>> 8 * n & 255) / 255;
    });
    this.gl.uniform3fv(this.places.palette, values);
  }

  setPicture(picture) {
    const { gl } = this;
    this.picture = picture;
    this.loaded = 0;
    const rows = Math.ceil(picture.pixels.length / ROW);
    if (this.rows === rows && this.texture) return;
    this.rows = rows;
    gl.deleteTexture(this.texture);
    this.texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.R8UI, ROW, rows);
    for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER])
      gl.texParameteri(gl.TEXTURE_2D, side, gl.NEAREST);
  }

  upload(x, y, width, height, bytes) {
    const { gl } = this;
    gl.texSubImage2D(gl.TEXTURE_2D, 0, x, y, width, height, gl.RED_INTEGER,
                     gl.UNSIGNED_BYTE, bytes);
  }

  /// The next part of a new picture; whole rows, and at the end what is left.
  load() {
    const { pixels } = this.picture;
    const left = pixels.length - this.loaded;
    const rows = Math.min(UPLOAD_ROWS, Math.floor(left / ROW));
    const y = this.loaded / ROW;
    if (rows > 0) {
      this.upload(0, y, ROW, rows,
                  pixels.subarray(this.loaded, this.loaded + rows * ROW));
      this.loaded += rows * ROW;
    } else if (left > 0) {
      this.upload(0, y, left, 1, pixels.subarray(this.loaded));
      this.loaded = pixels.length;
    }
  }

  changed(indices) {
    if (this.lost || !this.texture) return;
    const { pixels } = this.picture;
    if (indices.length <= SINGLE_MAX) {
      for (const index of indices)
        this.upload(index % ROW, Math.floor(index / ROW), 1, 1,
                    pixels.subarray(index, index + 1));
      return;
    }
    const spans = new Map();
    for (const index of indices) {
      const row = Math.floor(index / ROW), x = index % ROW;
      const span = spans.get(row);
      if (!span) spans.set(row, [x, x]);
      else if (x < span[0]) span[0] = x;
      else if (x > span[1]) span[1] = x;
    }
    for (const [row, [from, to]] of spans)
      this.upload(from, row, to - from + 1, 1,
                  pixels.subarray(row * ROW + from, row * ROW + to + 1));
  }

  draw(camera, { ground, checker }) {
    if (this.lost) return true;
    const { gl, places, ratio, picture } = this;
    if (picture && !this.ready) this.load();
    const { left, top } = camera.origin();
    const { width, height } = picture ?? { width: 0, height: 0 };
    gl.uniform2f(places.origin, left * ratio, top * ratio);
    gl.uniform1f(places.scale, camera.scale * ratio);
    gl.uniform2i(places.size, width, height);
    gl.uniform1f(places.height, this.canvas.height);
    gl.uniform1i(places.loaded, this.loaded ?? 0);
    gl.uniform3fv(places.ground, channels(ground));
    gl.uniform3fv(places.checker, channels(checker));
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    return this.ready;
  }

  destroy() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

const channels = (hex) => [1, 3, 5].map((at) =>
  parseInt(hex.slice(at, at + 2), 16) / 255);
