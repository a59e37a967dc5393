/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packages of the agent that the portal hands out: NAME_VERSION_ARCH.deb and NAME-VERSION-RELEASE.ARCH.rpm
 * in one folder (agent-packages of the configuration). What is put there counts at once; each file is
 * hashed once, until it changes. suture-dkms is handed out too, but no server is told to take it; suture-process, which patches libraries in running
 * processes, is taken beside the agent. Other files are not looked at, but for ca.pem: the certificate of the authority that signed the portal's, when it is no public
 * one; and for what install/anchors.h reads.
 */
#ifndef SUTURE_PORTAL_INSTALL_PACKAGES_H
#define SUTURE_PORTAL_INSTALL_PACKAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/sha256.h"

enum {
	PACKAGES_MAX = 256,	      /* files that are looked at */
	PACKAGE_NAME_MAX = 200,	      /* bytes of a file's name */
	PACKAGE_SIZE_MAX = 256 << 20, /* bytes of a package */
	PACKAGES_CA_MAX = 64 << 10,   /* bytes of ca.pem */
};

struct package {
	char file[PACKAGE_NAME_MAX + 1];
	char format[4]; /* "deb", "rpm" */
	char arch[24];
	bool libraries; /* it is suture-process, else the agent itself */
	char version[PACKAGE_NAME_MAX + 1];
	char sha256[SUT_SHA256_HEX];
	/* which file that was */
	uint64_t inode;
	int64_t size, mtime_ns;
};

struct packages;

/* folder NULL: there are none. The folder need not be there yet. */
int packages_new(const char *folder, struct packages **ret, struct sut_err *err) _must_check_;
void packages_free(struct packages *p);

/* The newest agent and suture-process of each format and architecture: *ret is the caller's to free. Thread-safe. */
int packages_list(struct packages *p, struct package **ret, size_t *ret_n,
		  struct sut_err *err) _must_check_;
/* A descriptor of the folder (O_PATH, the caller's to close) when file is the name of a package in it. -ENOENT. */
int packages_open(struct packages *p, const char *file, int *ret_folder,
		  struct sut_err *err) _must_check_;
/* Adds ca.pem to *b; nothing when there is none. */
int packages_ca(struct packages *p, struct sut_buf *b, struct sut_err *err) _must_check_;

/* Takes the name of a file apart. False when it is no package's. */
bool package_name(const char *file, struct package *ret);

#endif
