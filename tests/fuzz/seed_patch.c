// SPDX-License-Identifier: Apache-2.0
/* Writes the first seeds of the patch and agent targets: DIR/TARGET/NAME. They are made
 * at build time, so they cannot fall behind the format. */
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "sample_library.h"
#include "sample_patch.h"

static int put(const char *dir, const char *target, const char *file, const char *prefix,
	       const void *data, size_t len)
{
	_cleanup_(sut_freep) char *folder = sut_sprintf("%s/%s", dir, target);
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s/%s", dir, target, file);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	struct sut_err err = {0};

	if (!folder || !path || sut_mkdir_p(folder, &err) < 0 || sut_buf_addstr(&b, prefix) < 0 ||
	    sut_buf_add(&b, data, len) < 0 || sut_file_write(path, b.data, b.len, 0644, &err) < 0) {
		fprintf(stderr, "cannot write the seed %s of %s: %s\n", file, target, err.msg);
		return 1;
	}
	return 0;
}

/* As the kernel writes them; the first letter is the one of fuzz_agent.c. */
static const struct {
	const char *name, *text;
} texts[] = {
	{"list", "lffffffff9ab0a000  k  unix_ioctl+0x0    [FTRACE]\n"
		 "ffffffff9ab0a005  k  unix_ioctl+0x5    [OPTIMIZED]\n"
		 "ffffffffc0123005  r  unix_ioctl+0x5  unix_diag  [DISABLED]\n"},
	{"events", "ep:kprobes/mine unix_ioctl+5 arg1=%di\nr16:grp/ret unix_ioctl%return\n"},
	{"record", "a{\"format\":\"suture-applied\",\"version\":1,\"id\":\"K1\",\"level\":3,"
		   "\"applied_at\":1795292100,\"sha256\":"
		   "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
		   "\"signature\":{\"state\":\"good\",\"key\":\"vendor\","
		   "\"key_number\":\"0123456789ABCDEF\",\"signed_at\":\"2026-11-21T20:15:00Z\","
		   "\"insecure_local\":false,\"message\":null}}"},
	{"modules", "mkcare 90112 1 - Live 0xffffffffc0a00000 (OE)\n"},
};
static const uint8_t notes[] = {4,   0,	  0,   0,  20, 0,  0,  0,  3,  0,  0,  0,
				'G', 'N', 'U', 0,  1,  2,  3,  4,  5,  6,  7,  8,
				9,   10,  11,  12, 13, 14, 15, 16, 17, 18, 19, 20};

int main(int argc, char **argv)
{
	_cleanup_buf_ struct sut_buf patch = SUT_BUF_INIT(1 << 20), tar = SUT_BUF_INIT(1 << 20),
				     expect = SUT_BUF_INIT(1 << 20),
				     library = SUT_BUF_INIT(1 << 20);
	static struct sample_library sample;
	struct sut_err err = {0};
	json_t *manifest = sample_manifest_full();
	_cleanup_(sut_freep) char *text = json_dumps(manifest, 0);
	int r;

	json_decref(manifest);
	if (argc != 2 || !text)
		return 1;
	sample_patch(&patch);
	sample_tar(&tar);
	sample_expect(&expect);
	sample_library(&sample);
	if (sut_library_write(&sample.l, &library, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	r = put(argv[1], "patch_container", "file", "f", patch.data, patch.len);
	r |= put(argv[1], "patch_container", "archive", "t", tar.data, tar.len);
	r |= put(argv[1], "patch_manifest", "sample", "", text, strlen(text));
	manifest = sample_library_manifest_full();
	free(text);
	text = json_dumps(manifest, 0);
	json_decref(manifest);
	if (!text)
		return 1;
	r |= put(argv[1], "patch_manifest", "library", "", text, strlen(text));
	patch.len = 0;
	sample_library_patch(&patch);
	r |= put(argv[1], "patch_container", "library", "f", patch.data, patch.len);
	r |= put(argv[1], "patch_expect", "sample", "", expect.data, expect.len);
	r |= put(argv[1], "library", "sample", "", library.data, library.len);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(texts); i++)
		r |= put(argv[1], "agent", texts[i].name, texts[i].text, "", 0);
	r |= put(argv[1], "agent", "notes", "n", notes, sizeof(notes));
	return r;
}
