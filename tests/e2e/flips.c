// SPDX-License-Identifier: Apache-2.0
/*
 * One flipped bit, anywhere, many times: in a patch, in its signature, in each metadata file on
 * the way from the first root to it.
 *
 *   flips PUBLIC ROOT KEYS TARGET N SEED
 *
 * PUBLIC is the folder a web server serves, ROOT the root that clients begin with, KEYS the folder with
 * the trusted public keys of patches, TARGET the path of a kpatch.bin.
 *
 * Each time either something refuses, or the flip was in a place that nobody signs and nobody believes:
 * then everything that is signed must be what it was, byte for byte. Such places are the comment of a
 * .sig that is called untrusted, and the spelling of JSON around what is signed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/str.h"
#include "must.h"
#include "patch/container.h"
#include "patch/manifest.h"
#include "patch/signature.h"
#include "tuf/trusted.h"

enum { FILES_MAX = 64 };

struct file {
	const char *role; /* NULL: the patch, or its signature */
	const char *delegator;
	enum sut_tuf_type type;
	struct sut_buf bytes;
	struct sut_buf canonical; /* what is signed; of metadata */
	bool sig;
	unsigned long refused, harmless;
};

static struct file files[FILES_MAX];
static size_t nfiles;
static struct sut_patch_keys keys;
static const char *target;

static struct file *add(const char *path, const char *role, const char *delegator,
			enum sut_tuf_type type)
{
	struct file *f = &files[nfiles++];

	if (nfiles > FILES_MAX)
		exit(64);
	f->role = role;
	f->delegator = delegator;
	f->type = type;
	f->bytes = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	f->canonical = SUT_BUF_INIT(SUT_TUF_TARGETS_MAX);
	MUST(sut_file_read(path, &f->bytes, &err));
	return f;
}

/* One file into the trusted state, in its place. */
static int take(struct sut_tuf_trusted **t, const struct file *f)
{
	switch (f->type) {
	case SUT_TUF_ROOT:
		if (!*t)
			return sut_tuf_trusted_new(f->bytes.data, f->bytes.len, time(NULL), t,
						   NULL);
		return sut_tuf_trusted_root(*t, f->bytes.data, f->bytes.len, NULL);
	case SUT_TUF_TIMESTAMP:
		if (sut_tuf_trusted_root_done(*t, NULL) < 0)
			return -EKEYEXPIRED;
		return sut_tuf_trusted_timestamp(*t, f->bytes.data, f->bytes.len, false, NULL);
	case SUT_TUF_SNAPSHOT:
		return sut_tuf_trusted_snapshot(*t, f->bytes.data, f->bytes.len, false, NULL);
	case SUT_TUF_TARGETS:
		return sut_tuf_trusted_targets(*t, f->role, f->delegator, f->bytes.data,
					       f->bytes.len, NULL);
	}
	return -EINVAL;
}

static const struct sut_tuf_meta *taken(const struct sut_tuf_trusted *t, const struct file *f)
{
	return f->type == SUT_TUF_TARGETS ? sut_tuf_trusted_role(t, f->role, f->delegator)
					  : sut_tuf_trusted_get(t, f->type);
}

/* Patch and signature as `suture apply` reads them. */
static int check_patch(const struct file *patch, const struct file *sig)
{
	_cleanup_(sut_patch_freep) struct sut_patch *p = NULL;
	_cleanup_(sut_manifest_freep) struct sut_manifest *m = NULL;
	const struct sut_patch_key *by;
	struct sut_patch_claim claim;
	int r = sut_patch_sig_verify(&keys, patch->bytes.data, patch->bytes.len, sig->bytes.data,
				     sig->bytes.len, &claim, &by, NULL);

	if (r == 0)
		r = sut_patch_parse(patch->bytes.data, patch->bytes.len, &p, NULL);
	if (r == 0)
		r = sut_manifest_load(p->manifest, &m, NULL);
	return r < 0 ? r : sut_patch_sig_matches(&claim, m, NULL);
}

/* All of it, as a server does it. 0 when the patch would be applied. */
static int check_all(bool first)
{
	_cleanup_(sut_tuf_trusted_freep) struct sut_tuf_trusted *t = NULL;
	const struct sut_tuf_meta *last = NULL;
	const struct file *patch = NULL;
	struct sut_tuf_target found;
	struct sut_tuf_ref ref;
	int r;

	for (size_t i = 0; i < nfiles; i++) {
		struct file *f = &files[i];

		if (!f->role) {
			if (!f->sig) {
				patch = f;
				continue;
			}
			return check_patch(patch, f);
		}
		r = take(&t, f);
		if (r < 0)
			return r;
		last = taken(t, f);
		if (first)
			MUST(sut_buf_add(&f->canonical, last->canonical.data, last->canonical.len));
		else if (last->canonical.len != f->canonical.len ||
			 memcmp(last->canonical.data, f->canonical.data, f->canonical.len) != 0)
			return 1; /* trusted, and not what was signed */
		if (f->type != SUT_TUF_TARGETS || files[i + 1].role)
			continue;
		r = sut_tuf_meta_target(last, target, &found, NULL);
		if (r < 0)
			return r;
		ref = (struct sut_tuf_ref){
			.length = found.length, .hashes = found.hashes, .has_hashes = true};
		r = sut_tuf_ref_check(&ref, files[i + 1].bytes.data, files[i + 1].bytes.len, NULL);
		if (r < 0)
			return r;
	}
	return -EINVAL;
}

static const char *name_of(const struct file *f)
{
	return f->role ? f->role : f->sig ? "kpatch.bin.sig" : "kpatch.bin";
}

/* The metadata of a repository without hash bins, and the patch. */
static void load(const char *public, const char *root)
{
	static const char *const top[] = {"root", "timestamp", "snapshot", "targets", "kernel"};
	_cleanup_(sut_tuf_trusted_freep) struct sut_tuf_trusted *t = NULL;
	const struct sut_tuf_ref *ref;
	struct sut_tuf_target found;
	const struct file *f;
	char *path, *slash;
	char hash[65];

	if (take(&t, add(root, top[0], "", SUT_TUF_ROOT)) < 0)
		exit(1);
	for (int v = 2;; v++) {
		path = sut_sprintf("%s/metadata/%d.root.json", public, v);
		if (!sut_exists(path))
			break;
		MUST(take(&t, add(path, top[0], "", SUT_TUF_ROOT)));
	}
	path = sut_sprintf("%s/metadata/timestamp.json", public);
	MUST(take(&t, add(path, top[1], "", SUT_TUF_TIMESTAMP)));
	for (int i = 2; i < 5; i++) {
		char name[80];

		snprintf(name, sizeof(name), "%s.json", top[i]);
		ref = sut_tuf_ref(
			sut_tuf_trusted_get(t, i == 2 ? SUT_TUF_TIMESTAMP : SUT_TUF_SNAPSHOT),
			name);
		path = sut_sprintf("%s/metadata/%lld.%s", public, (long long)ref->version, name);
		f = add(path, top[i], i == 3 ? "root" : "targets",
			i == 2 ? SUT_TUF_SNAPSHOT : SUT_TUF_TARGETS);
		MUST(take(&t, f));
	}
	MUST(sut_tuf_meta_target(sut_tuf_trusted_role(t, "kernel", "targets"), target, &found,
				 &err));
	snprintf(hash, sizeof(hash), "%s", found.hashes.sha256);
	slash = strrchr(target, '/');
	path = sut_sprintf("%s/targets/%.*s/%s.%s", public, (int)(slash - target), target, hash,
			   slash + 1);
	add(path, NULL, NULL, SUT_TUF_TARGETS);
	path = sut_sprintf("%s/targets/%.*s/%s.%s.sig", public, (int)(slash - target), target, hash,
			   slash + 1);
	add(path, NULL, NULL, SUT_TUF_TARGETS)->sig = true;
}

int main(int argc, char **argv)
{
	unsigned long refused = 0, harmless = 0;
	uint64_t n, seed;

	if (argc != 7 || sut_parse_u64(argv[5], 100000000, &n) < 0 ||
	    sut_parse_u64(argv[6], UINT32_MAX, &seed) < 0)
		return 64;
	target = argv[4];
	MUST(sut_patch_keys_read(argv[3], &keys, &err));
	load(argv[1], argv[2]);
	if (check_all(true) != 0) {
		puts("the undamaged files are refused");
		return 1;
	}
	srandom((unsigned int)seed);
	for (uint64_t i = 0; i < n; i++) {
		struct file *f = &files[(size_t)random() % nfiles];
		size_t at = (size_t)random() % f->bytes.len;
		uint8_t bit = (uint8_t)(1u << (random() & 7));
		int r;

		f->bytes.data[at] ^= bit;
		r = check_all(false);
		/* Accepted: then it was no part of anything that is signed. */
		if (r > 0 || (r == 0 && !f->role && !f->sig)) {
			printf("ACCEPTED: %s, byte %zu, bit 0x%02x, seed %llu\n", name_of(f), at,
			       bit, (unsigned long long)seed);
			return 1;
		}
		if (r == 0)
			f->harmless++;
		else
			f->refused++;
		f->bytes.data[at] ^= bit;
	}
	for (size_t i = 0; i < nfiles; i++) {
		printf("  %-16s %7zu bytes  %6lu refused  %4lu outside of all that is signed\n",
		       name_of(&files[i]), files[i].bytes.len, files[i].refused, files[i].harmless);
		refused += files[i].refused;
		harmless += files[i].harmless;
	}
	printf("  %lu flipped bits: %lu refused, %lu without any effect on what is trusted\n",
	       refused + harmless, refused, harmless);
	sut_patch_keys_release(&keys);
	return 0;
}
