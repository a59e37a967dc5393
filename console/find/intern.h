/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names in a scan and their numbers. While the scan is read, names get places here, without the database; when a host is
 * written, those that are new get row ids of cves, packages and natives.
 */
#ifndef SUTURE_CONSOLE_FIND_INTERN_H
#define SUTURE_CONSOLE_FIND_INTERN_H

#include <stdint.h>

#include "db/db.h"

enum { INTERN_MAX = 200000 /* different CVEs, packages, or findings of scanners in one scan */ };

struct intern;

int intern_new(int64_t tenant, struct intern **ret, struct sut_err *err) _must_check_;
void intern_free(struct intern *in);
void intern_freep(struct intern **in);

/* Places, from 1. -EFBIG (reason "scan"), -ENOMEM. */
int intern_cve(struct intern *in, const char *name, uint32_t *ret,
	       struct sut_err *err) _must_check_;
int intern_package(struct intern *in, const char *name, const char *version, uint32_t *ret,
		   struct sut_err *err) _must_check_;
int intern_native(struct intern *in, const char *key, const char *title, uint32_t *ret,
		  struct sut_err *err) _must_check_;

/* The row id of a place, in a WRITE transaction; 0 is 0. */
int intern_cve_id(struct intern *in, struct sut_db *db, uint32_t place, uint32_t *ret,
		  struct sut_err *err) _must_check_;
int intern_package_id(struct intern *in, struct sut_db *db, uint32_t place, uint32_t *ret,
		      struct sut_err *err) _must_check_;
int intern_native_id(struct intern *in, struct sut_db *db, uint32_t place, uint32_t *ret,
		     struct sut_err *err) _must_check_;

#endif
