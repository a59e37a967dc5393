/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.json of a patch, checked and typed. docs/formats/patch.md has the
 * schema; a manifest that loads here keeps every rule of it that can be seen
 * without the other members.
 */
#ifndef SUTURE_PATCH_MANIFEST_H
#define SUTURE_PATCH_MANIFEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/sha256.h"
#include "uapi/suture.h"

enum {
	SUT_MANIFEST_CVES_MAX = 4096,
	SUT_MANIFEST_FIXES_MAX = 256,
	SUT_MANIFEST_OBJECTS_MAX = 64,
	SUT_MANIFEST_LIST_MAX = 65536,	/* any other list */
	SUT_MANIFEST_STRING_MAX = 4096, /* bytes of any string */
	SUT_MANIFEST_DEPTH_MAX = 16,
	SUT_MANIFEST_BANNER_MAX = 511,
	SUT_MANIFEST_SONAME_MAX = 255,
	/* Beside SUTURE_REDIRECT_*: a short jump to a jump in padding. Libraries only. */
	SUT_REDIRECT_JUMP_ISLAND = 4,
};

/* A range of code or data; address is 0 for what is new. */
struct sut_manifest_symbol {
	const char *name;
	uint64_t address; /* link address */
	uint32_t size;
};

struct sut_manifest_func {
	const char *name;
	const char *source; /* "net/unix/af_unix.c"; "" when not said */
	uint64_t address;   /* link address of the original; of a library its vaddr */
	uint32_t size, new_size;
	uint32_t redirect; /* SUTURE_REDIRECT_*, never NONE; libraries: JUMP_ENTRY or JUMP_ISLAND */
	struct sut_manifest_symbol *children; /* .cold and .part pieces */
	size_t nchildren;
};

struct sut_manifest_anchor {
	const char *symbol, *via;
	uint64_t address;
};

struct sut_manifest_import {
	const char *name, *version; /* "" for none */
};

/* module, expect, keep and anchors: kernels only, else "", false and none. imports: libraries only. */
struct sut_manifest_object {
	const char *object; /* "vmlinux", or the name of a kernel module; the soname of a library */
	const char *payload; /* member: the module that holds the new code; patch/library.h */
	const char *module;  /* the payload's module name, "suture_…" */
	const char *expect;  /* member: the table of expected bytes */
	bool keep;	     /* never unload: addresses of new functions may have escaped */
	struct sut_manifest_func *functions;
	size_t nfunctions;
	struct sut_manifest_symbol *new_functions, *new_data;
	size_t nnew_functions, nnew_data;
	struct sut_manifest_anchor *anchors;
	size_t nanchors;
	struct sut_manifest_import *imports; /* what the target did not import before */
	size_t nimports;
};

struct sut_manifest_fix {
	const char *member, *sha256;
	const char **files;
	size_t nfiles;
};

struct sut_manifest_member {
	const char *name, *sha256; /* 64 lower-case digits */
	size_t size;
};

/* Strings point into root, which is kept (one reference). */
struct sut_manifest {
	json_t *root;
	const char *id;
	uint32_t level;
	const char *created; /* RFC 3339, UTC */
	const char *generator;
	struct {
		const char *kind, *name, *arch;
		const char *package, *package_version; /* "" when not said */
		const char *release;		       /* kernels: as uname -r; libraries: "" */
		const char *banner;	   /* /proc/version without its newline; "" when not said */
		const char *file, *soname; /* libraries; kernels: "" */
		const char *source,
			*source_version; /* libraries: source package, "" when not said */
		uint8_t build_id[SUTURE_BUILD_ID_LEN];
	} target;
	uint32_t engine_abi;
	const char **cves;
	size_t ncves;
	struct sut_manifest_fix *fixes;
	size_t nfixes;
	struct sut_manifest_object *objects;
	size_t nobjects;
	const char **busy; /* further functions that must not be on a stack */
	size_t nbusy;
	struct sut_manifest_member *members;
	size_t nmembers;
};

/*
 * -EBADMSG (reason "manifest") with the path of the field and what is wrong
 * with it, -EPROTONOSUPPORT (reason "version") when the patch asks for a
 * newer suture, -ENOMEM.
 */
int sut_manifest_load(json_t *root, struct sut_manifest **ret, struct sut_err *err) _must_check_;
void sut_manifest_free(struct sut_manifest *m);
void sut_manifest_freep(struct sut_manifest **m);

/* NULL when the patch has nothing for that object. */
const struct sut_manifest_object *sut_manifest_object(const struct sut_manifest *m,
						      const char *object);

/* Is it for a library or executable? Then it has one object. Else it is for a kernel. */
bool sut_manifest_is_library(const struct sut_manifest *m);

/* For those who only know kernels: -EMEDIUMTYPE, reason "library", and what to use, when it is for a library. */
int sut_manifest_need_kernel(const struct sut_manifest *m, struct sut_err *err) _must_check_;

/* What a patch file is called, in repositories and in signatures: "kpatch.bin", "upatch.bin". */
const char *sut_patch_file_name(bool library);

/* Functions of all objects together. */
size_t sut_manifest_count_functions(const struct sut_manifest *m);

/* "jump-fentry", "jump-entry", "ftrace", "jump-island"; "none" for anything else. */
const char *sut_redirect_name(uint32_t redirect);

/* 1 to 100 bytes of [A-Za-z0-9._-], not beginning with '.'. */
bool sut_member_name_ok(const char *name);

#endif
