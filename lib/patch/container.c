// SPDX-License-Identifier: Apache-2.0
#include "patch/container.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/file.h"
#include "base/str.h"
#include "crypto/sha256.h"
#include "json/parse.h"
#include "patch/manifest.h"
#include "patch/tar.h"

enum {
	ZSTD_LEVEL = 19,
	FRAME_MAGIC = 0xfd2fb528,
	TRAILER_MAGIC = 0x184d2a50, /* RFC 8878, 3.1.2: a skippable frame */
};

/* Behind the zstd frame. zstd can say the same in several ways, so its own checksum
 * lets some flipped bits pass; with this digest every bit of the file counts. */
struct trailer {
	uint32_t magic;
	uint32_t size;			/* of what follows */
	uint8_t sha256[SUT_SHA256_LEN]; /* of the frame */
};

_Static_assert(sizeof(struct trailer) == 40, "no padding");

static int bad(struct sut_err *err, const char *reason, const char *what)
{
	return sut_err_reason(err, EBADMSG, reason, "%s", what);
}

static int cut_short(struct sut_err *err)
{
	return bad(err, "truncated", "the file is cut short. Download it again");
}

static int damaged(struct sut_err *err)
{
	return bad(err, "damaged", "the file is damaged. Download it again");
}

/* ------------------------------------------------------------------ */
/* zstd: exactly one frame, with its size and its checksum; the trailer. */

static void make_trailer(const uint8_t *frame, size_t len, struct trailer *ret)
{
	*ret = (struct trailer){.magic = TRAILER_MAGIC, .size = SUT_SHA256_LEN};
	sut_sha256(frame, len, ret->sha256);
}

static int check_trailer(const uint8_t *data, size_t len, size_t frame, struct sut_err *err)
{
	struct trailer t;

	if (len - frame < sizeof(t))
		return cut_short(err);
	make_trailer(data, frame, &t);
	if (memcmp(&t, data + frame, sizeof(t)) != 0)
		return damaged(err);
	if (len - frame > sizeof(t))
		return sut_err_reason(err, EBADMSG, "trailing",
				      "the file goes on for %zu bytes after its end. "
				      "Download it again",
				      len - frame - sizeof(t));
	return 0;
}

static int check_frame(const uint8_t *data, size_t len, size_t *ret_frame, size_t *ret_unpacked,
		       struct sut_err *err)
{
	unsigned long long unpacked;
	uint32_t magic = 0;
	size_t frame;
	int r;

	if (len == 0)
		return bad(err, "truncated", "the file is empty. Download it again");
	if (len > SUT_PATCH_FILE_MAX)
		return sut_err_reason(err, EBADMSG, "limit",
				      "the file has %zu bytes and a patch at most %d. "
				      "Check that it is a patch file",
				      len, SUT_PATCH_FILE_MAX);
	memcpy(&magic, data, len < sizeof(magic) ? len : sizeof(magic));
	if (len < sizeof(magic))
		return cut_short(err);
	if (magic != FRAME_MAGIC)
		return bad(err, "format",
			   "this is not a patch file (it does not begin with a zstd "
			   "frame). Check that it is the right file");
	if (len < 5)
		return cut_short(err);
	/* RFC 8878, 3.1.1.1.1: bit 2 of the descriptor is the checksum flag. */
	if (!(data[4] & 4))
		return bad(err, "format",
			   "this is not a patch file (its zstd frame has no "
			   "checksum). Check that it is the right file");
	unpacked = ZSTD_getFrameContentSize(data, len);
	if (unpacked == ZSTD_CONTENTSIZE_ERROR)
		return len < 18 ? cut_short(err) : damaged(err);
	if (unpacked == ZSTD_CONTENTSIZE_UNKNOWN)
		return bad(err, "format",
			   "this is not a patch file (its zstd frame does not say "
			   "its size). Check that it is the right file");
	if (unpacked > SUT_PATCH_UNPACKED_MAX)
		return sut_err_reason(
			err, EBADMSG, "limit",
			"the file would unpack to %llu bytes and a patch may have %d. "
			"Do not use it; tell its author",
			unpacked, SUT_PATCH_UNPACKED_MAX);
	frame = ZSTD_findFrameCompressedSize(data, len);
	if (ZSTD_isError(frame))
		/* A walk over the blocks: nearly always the last one is missing. */
		return cut_short(err);
	r = check_trailer(data, len, frame, err);
	if (r < 0)
		return r;
	*ret_frame = frame;
	*ret_unpacked = (size_t)unpacked;
	return 0;
}

/* Grows with what really comes out: a size that is only claimed costs nothing. */
static int unpack(const uint8_t *data, size_t len, size_t unpacked, struct sut_buf *out,
		  struct sut_err *err)
{
	ZSTD_DCtx *ctx = ZSTD_createDCtx();
	ZSTD_inBuffer in = {data, len, 0};
	int r = 0;

	if (!ctx)
		return sut_err_oom(err);
	while (r == 0) {
		size_t step = ZSTD_DStreamOutSize(), hint;
		ZSTD_outBuffer o;

		if (step > unpacked - out->len)
			step = unpacked - out->len;
		r = sut_buf_reserve(out, step + 1);
		if (r < 0) {
			r = sut_err_oom(err);
			break;
		}
		/* One byte more than claimed, so that too much is seen. */
		o = (ZSTD_outBuffer){out->data + out->len, step + 1, 0};
		hint = ZSTD_decompressStream(ctx, &o, &in);
		out->len += o.pos;
		if (ZSTD_isError(hint) || out->len > unpacked)
			r = damaged(err);
		else if (hint == 0)
			break;
		else if (o.pos == 0 && in.pos == in.size)
			r = cut_short(err);
	}
	ZSTD_freeDCtx(ctx);
	if (r == 0 && (out->len != unpacked || in.pos != len))
		r = damaged(err);
	return r;
}

static int compress(const struct sut_buf *tar, struct sut_buf *out, struct sut_err *err)
{
	struct trailer t;
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	size_t bound = ZSTD_compressBound(tar->len), n;
	_cleanup_(sut_freep) uint8_t *p = malloc(bound);
	int r;

	if (!ctx || !p) {
		ZSTD_freeCCtx(ctx);
		return sut_err_oom(err);
	}
	/* These only fail for values out of range. */
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, ZSTD_LEVEL);
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_contentSizeFlag, 1);
	n = ZSTD_compress2(ctx, p, bound, tar->data, tar->len);
	ZSTD_freeCCtx(ctx);
	if (ZSTD_isError(n))
		return sut_err_set(err, EIO, "cannot compress the patch: %s", ZSTD_getErrorName(n));
	if (n > SUT_PATCH_FILE_MAX - sizeof(t))
		return sut_err_set(err, EFBIG,
				   "the patch would have %zu bytes (at most %d). "
				   "Split it",
				   n, SUT_PATCH_FILE_MAX);
	make_trailer(p, n, &t);
	r = sut_buf_reserve(out, n + sizeof(t));
	if (r == 0)
		r = sut_buf_add(out, p, n);
	if (r == 0)
		r = sut_buf_add(out, &t, sizeof(t));
	if (r == -ENOBUFS)
		return sut_err_set(err, EFBIG, "the patch (%zu bytes) does not fit into its buffer",
				   n);
	return r < 0 ? sut_err_oom(err) : 0;
}

/* ------------------------------------------------------------------ */

static int parse_json(const struct sut_tar_entry *e, json_t **ret, struct sut_err *err)
{
	struct sut_json_why why;
	int r;

	if (strcmp(e->name, "manifest.json") != 0)
		return bad(err, "container",
			   "the first member is not manifest.json. "
			   "Only use files that suture-build made");
	if (e->len > SUT_PATCH_MANIFEST_MAX)
		return sut_err_reason(err, EBADMSG, "limit",
				      "manifest.json has %zu bytes (at most %d). Tell the author "
				      "of the patch",
				      e->len, SUT_PATCH_MANIFEST_MAX);
	r = sut_json_object_parse(e->data, e->len, SUT_MANIFEST_DEPTH_MAX + 1, ret, &why);
	if (r == -ENOMEM)
		return sut_err_oom(err);
	return r < 0 ? sut_err_reason(err, EBADMSG, "manifest",
				      "manifest.json, line %u: %s. Download the patch again; if "
				      "that does not help, tell its author",
				      why.line, why.text)
		     : 0;
}

static int take_member(struct sut_patch *p, const struct sut_manifest *m,
		       const struct sut_tar_entry *e, struct sut_err *err)
{
	const struct sut_manifest_member *want;
	struct sut_member *mem;
	char hex[SUT_SHA256_HEX];

	if (p->nmembers >= m->nmembers)
		return sut_err_reason(err, EBADMSG, "container",
				      "the file holds %s, which its manifest does not list. "
				      "Only use files that suture-build made",
				      e->name);
	want = &m->members[p->nmembers];
	if (!sut_streq(e->name, want->name))
		return sut_err_reason(err, EBADMSG, "container",
				      "the file holds %s where its manifest lists %s. "
				      "Only use files that suture-build made",
				      e->name, want->name);
	if (e->len != want->size)
		return sut_err_reason(err, EBADMSG, "container",
				      "%s has %zu bytes and the manifest says %zu. Download the "
				      "patch again",
				      e->name, e->len, want->size);
	sut_sha256_hex(e->data, e->len, hex);
	if (!sut_streq(hex, want->sha256))
		return sut_err_reason(
			err, EBADMSG, "digest",
			"%s has sha256 %s and the manifest says %s. Download the patch "
			"again",
			e->name, hex, want->sha256);
	mem = &p->members[p->nmembers];
	mem->name = strdup(e->name);
	mem->data = malloc(e->len ? e->len : 1);
	p->nmembers++; /* what is there so far is freed with p */
	if (!mem->name || !mem->data)
		return sut_err_oom(err);
	memcpy(mem->data, e->data, e->len);
	mem->len = e->len;
	return 0;
}

int sut_patch_parse(const void *data, size_t len, struct sut_patch **ret, struct sut_err *err)
{
	_cleanup_(sut_patch_freep) struct sut_patch *p = NULL;
	_cleanup_(sut_manifest_freep) struct sut_manifest *m = NULL;
	_cleanup_buf_ struct sut_buf tar = SUT_BUF_INIT((size_t)SUT_PATCH_UNPACKED_MAX + 1);
	struct sut_tar_entry e;
	size_t frame = 0, unpacked = 0, pos = 0;
	int r = check_frame(data, len, &frame, &unpacked, err);

	if (r == 0)
		r = unpack(data, frame, unpacked, &tar, err);
	if (r < 0)
		return r;
	p = calloc(1, sizeof(*p));
	if (!p)
		return sut_err_oom(err);
	r = sut_tar_next(tar.data, tar.len, &pos, &e, err);
	if (r == 0)
		return bad(err, "container", "the file holds nothing. Download it again");
	if (r > 0)
		r = parse_json(&e, &p->manifest, err);
	if (r == 0)
		r = sut_manifest_load(p->manifest, &m, err);
	if (r < 0)
		return r;
	p->mtime = e.mtime;
	p->members = calloc(m->nmembers, sizeof(*p->members));
	if (!p->members)
		return sut_err_oom(err);
	while ((r = sut_tar_next(tar.data, tar.len, &pos, &e, err)) > 0) {
		if (e.mtime != p->mtime)
			return bad(err, "container",
				   "its members have different times. "
				   "Only use files that suture-build made");
		r = take_member(p, m, &e, err);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	if (p->nmembers != m->nmembers)
		return sut_err_reason(err, EBADMSG, "container",
				      "%s is missing from the file. Download it again",
				      m->members[p->nmembers].name);
	*ret = sut_steal(p);
	return 0;
}

int sut_patch_read(const char *path, struct sut_patch **ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	int r = sut_file_read(path, &b, err);

	if (r < 0)
		return r;
	r = sut_patch_parse(b.data, b.len, ret, err);
	return r < 0 ? (sut_err_prefix(err, "%s", path), r) : 0;
}

const struct sut_member *sut_patch_member(const struct sut_patch *p, const char *name)
{
	for (size_t i = 0; i < p->nmembers; i++)
		if (sut_streq(p->members[i].name, name))
			return &p->members[i];
	return NULL;
}

/* ------------------------------------------------------------------ */

static int list_members(json_t *manifest, const struct sut_member *members, size_t n,
			struct sut_err *err)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++) {
		char hex[SUT_SHA256_HEX];

		if (!sut_member_name_ok(members[i].name) || members[i].len > SUT_PATCH_MEMBER_MAX) {
			json_decref(list);
			return sut_err_set(err, EINVAL,
					   "cannot pack \"%s\": bad name, or more than "
					   "%d bytes",
					   members[i].name, SUT_PATCH_MEMBER_MAX);
		}
		sut_sha256_hex(members[i].data, members[i].len, hex);
		if (json_array_append_new(list, json_pack("{s:s,s:I,s:s}", "name", members[i].name,
							  "size", (json_int_t)members[i].len,
							  "sha256", hex)) < 0) {
			json_decref(list);
			list = NULL;
		}
	}
	if (!list || json_object_set_new(manifest, "members", list) < 0)
		return sut_err_oom(err);
	return 0;
}

int sut_patch_pack(json_t *manifest, const struct sut_member *members, size_t n, int64_t mtime,
		   struct sut_buf *out, struct sut_err *err)
{
	_cleanup_(sut_manifest_freep) struct sut_manifest *m = NULL;
	_cleanup_(sut_freep) char *text = NULL;
	_cleanup_buf_ struct sut_buf tar = SUT_BUF_INIT(SUT_PATCH_UNPACKED_MAX);
	int r = list_members(manifest, members, n, err);

	/* What we would refuse to read is not written. */
	if (r == 0)
		r = sut_manifest_load(manifest, &m, err);
	if (r < 0)
		return r;
	text = json_dumps(manifest, JSON_INDENT(1));
	if (!text)
		return sut_err_oom(err);
	if (strlen(text) > SUT_PATCH_MANIFEST_MAX)
		return sut_err_set(err, EFBIG,
				   "manifest.json would have %zu bytes (at most %d). "
				   "Split the patch",
				   strlen(text), SUT_PATCH_MANIFEST_MAX);
	r = sut_tar_add(&tar, "manifest.json", text, strlen(text), mtime);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = sut_tar_add(&tar, members[i].name, members[i].data, members[i].len, mtime);
	if (r == 0)
		r = sut_tar_end(&tar);
	if (r == -ENOBUFS)
		return sut_err_set(err, EFBIG,
				   "the patch would unpack to more than %d bytes. "
				   "Split it",
				   SUT_PATCH_UNPACKED_MAX);
	if (r == -EINVAL)
		return sut_err_set(err, EINVAL, "the time of the members is out of range");
	if (r < 0)
		return sut_err_oom(err);
	return compress(&tar, out, err);
}

void sut_patch_free(struct sut_patch *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->nmembers; i++) {
		free(p->members[i].name);
		free(p->members[i].data);
	}
	free(p->members);
	json_decref(p->manifest);
	free(p);
}

void sut_patch_freep(struct sut_patch **p)
{
	sut_patch_free(*p);
}
