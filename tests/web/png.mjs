// SPDX-License-Identifier: Apache-2.0
// Pictures of pages have few colours: 256 of them and one byte for each pixel make the files small.
import { deflateSync, inflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

const crcTable = Array.from({ length: 256 }, (_, n) => {
	let c = n;
	for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
	return c >>> 0;
});

function chunk(type, data) {
	const out = Buffer.alloc(data.length + 12);
	out.writeUInt32BE(data.length, 0);
	out.write(type, 4, "latin1");
	data.copy(out, 8);
	let c = 0xffffffff;
	for (let i = 4; i < data.length + 8; i++) c = crcTable[(c ^ out[i]) & 255] ^ (c >>> 8);
	out.writeUInt32BE((c ^ 0xffffffff) >>> 0, data.length + 8);
	return out;
}

/** Width, height and the pixels, three bytes each, of a PNG as Chromium writes it: 8 bits, RGB or RGBA, not interlaced. */
function decode(png) {
	let at = 8;
	let width = 0;
	let height = 0;
	let from = 3;
	const parts = [];
	while (at < png.length) {
		const n = png.readUInt32BE(at);
		const type = png.toString("latin1", at + 4, at + 8);
		const data = png.subarray(at + 8, at + 8 + n);
		if (type === "IHDR") {
			width = data.readUInt32BE(0);
			height = data.readUInt32BE(4);
			if (data[8] !== 8 || (data[9] !== 2 && data[9] !== 6) || data[12] !== 0) throw new Error("not a PNG of Chromium's kind");
			from = data[9] === 6 ? 4 : 3;
		} else if (type === "IDAT") parts.push(data);
		at += n + 12;
	}
	const raw = inflateSync(Buffer.concat(parts));
	const stride = width * from;
	const rows = Buffer.alloc(stride * height);
	for (let y = 0; y < height; y++) {
		const filter = raw[y * (stride + 1)];
		for (let x = 0; x < stride; x++) {
			const left = x >= from ? rows[y * stride + x - from] : 0;
			const up = y > 0 ? rows[(y - 1) * stride + x] : 0;
			const corner = x >= from && y > 0 ? rows[(y - 1) * stride + x - from] : 0;
			let add = 0;
			if (filter === 1) add = left;
			else if (filter === 2) add = up;
			else if (filter === 3) add = (left + up) >> 1;
			else if (filter === 4) {
				const p = left + up - corner;
				const a = Math.abs(p - left);
				const b = Math.abs(p - up);
				const c = Math.abs(p - corner);
				add = a <= b && a <= c ? left : b <= c ? up : corner;
			}
			rows[y * stride + x] = (raw[y * (stride + 1) + 1 + x] + add) & 255;
		}
	}
	const pixels = Buffer.alloc(width * height * 3);
	for (let i = 0; i < width * height; i++) rows.copy(pixels, i * 3, i * from, i * from + 3);
	return { width, height, pixels };
}

/** The same picture with at most 256 colours, and for each other one the nearest of them. */
export function palette(png) {
	const { width, height, pixels } = decode(png);
	const seen = new Map();
	for (let i = 0; i < pixels.length; i += 3) {
		const c = (pixels[i] << 16) | (pixels[i + 1] << 8) | pixels[i + 2];
		seen.set(c, (seen.get(c) ?? 0) + 1);
	}
	// Of each small part of all colours its most frequent one first, so that a rare red stays red, then what is frequent.
	const frequent = [...seen].sort((a, b) => b[1] - a[1]).map(([c]) => c);
	const parts = new Set();
	const leaders = frequent.filter((c) => {
		const part = ((c >> 20) << 8) | (((c >> 12) & 15) << 4) | ((c >> 4) & 15);
		return !parts.has(part) && parts.add(part);
	});
	const kept = [...new Set([...leaders.slice(0, 192), ...frequent])];
	const colours = kept.slice(0, 256);
	const index = new Map(colours.map((c, i) => [c, i]));
	for (const c of kept.slice(256)) {
		let best = 0;
		let least = Number.POSITIVE_INFINITY;
		for (let i = 0; i < colours.length; i++) {
			const d = ((c >> 16) - (colours[i] >> 16)) ** 2 + (((c >> 8) & 255) - ((colours[i] >> 8) & 255)) ** 2 + ((c & 255) - (colours[i] & 255)) ** 2;
			if (d < least) {
				least = d;
				best = i;
			}
		}
		index.set(c, best);
	}
	const body = Buffer.alloc((width + 1) * height);
	for (let y = 0, i = 0; y < height; y++)
		for (let x = 0; x < width; x++, i += 3) body[y * (width + 1) + 1 + x] = index.get((pixels[i] << 16) | (pixels[i + 1] << 8) | pixels[i + 2]);
	const head = Buffer.alloc(13);
	head.writeUInt32BE(width, 0);
	head.writeUInt32BE(height, 4);
	head.set([8, 3, 0, 0, 0], 8);
	const plte = Buffer.alloc(colours.length * 3);
	colours.forEach((c, i) => plte.set([c >> 16, (c >> 8) & 255, c & 255], i * 3));
	return Buffer.concat([SIGNATURE, chunk("IHDR", head), chunk("PLTE", plte), chunk("IDAT", deflateSync(body, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}
