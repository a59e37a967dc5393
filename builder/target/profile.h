/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile: everything suture-build knows about one exact kernel build.
 *
 * `target add` makes it once, in <cache>/targets/<name with '/' as '_'>/;
 * it is read-only afterwards, so several builds share it. All strings and
 * arrays live as long as the profile. Addresses are link addresses.
 */
#ifndef SUTURE_BUILDER_PROFILE_H
#define SUTURE_BUILDER_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SUT_BUILD_ID_LEN = 20 };

/* One kallsyms entry. Type letters as in nm(1): upper case is global;
 * 'A' is absolute (per-CPU offsets on x86-64 up to 6.14). */
struct sut_ksym {
	uint64_t addr;
	uint64_t size; /* distance to the next higher symbol of the same section, at most */
	const char *name;
	char type;
};

/* One line of Module.symvers. */
struct sut_export {
	const char *name;
	const char *module; /* "vmlinux", or the module's path */
	const char *ns;	    /* namespace, "" for none */
	uint32_t crc;
	bool gpl;
};

/* sizeof of the records of the special sections, from BTF; 0: not in this kernel. */
struct sut_record_sizes {
	uint32_t alt_instr, bug_entry, exception_table_entry, jump_entry, static_call_site,
		paravirt_patch_site, orc_entry;
};

/* struct module as the loader of this kernel wants it, from BTF. */
struct sut_module_layout {
	uint32_t size, name_off, name_size, init_off, exit_off;
};

struct sut_profile {
	const char *name;	     /* "debian/6.1.0-47-cloud-amd64" */
	const char *release;	     /* uname -r */
	const char *arch;	     /* "x86_64" */
	const char *package;	     /* "linux-image-6.1.0-47-cloud-amd64" */
	const char *package_version; /* "6.1.170-3" */
	const char *vermagic;	     /* as the modules of the image package have it */
	const char *dir;	     /* the profile's folder */
	const char *src_dir;	     /* prepared source tree (never written to after target add) */
	const char *build_dir;	     /* its O= folder, with .config and Module.symvers */
	const char *vmlinuz;	     /* the bootable image */
	const char *vmlinux;	     /* the ELF file unpacked from it */
	const char *modules_dir;     /* lib/modules/<release> unpacked from the image package */
	uint8_t build_id[SUT_BUILD_ID_LEN];
	struct sut_record_sizes sizes;
	struct sut_module_layout module;

	const struct sut_ksym *syms; /* by address, then as kallsyms has them */
	size_t nsyms;
	const struct sut_export *exports; /* by name (strcmp order) */
	size_t nexports;
	const uint64_t *fentry; /* addresses of fentry call sites, ascending */
	size_t nfentry;

	void *priv;
};

/* -ENOENT with advice ("run: suture-build target add …") when there is none. */
int sut_profile_open(const char *cache, const char *target, struct sut_profile **ret,
		     struct sut_err *err) _must_check_;
void sut_profile_free(struct sut_profile *p);
void sut_profile_freep(struct sut_profile **p);

/* len bytes of the image at a link address (zeros for .bss are not there);
 * NULL when the range is not wholly within one loaded section with contents. */
const uint8_t *sut_profile_bytes(const struct sut_profile *p, uint64_t addr, size_t len);

/* Section of the image by name; false when there is none. *ret_data may be
 * NULL for a section without contents (.bss). */
bool sut_profile_section(const struct sut_profile *p, const char *name, uint64_t *ret_addr,
			 uint64_t *ret_size, const uint8_t **ret_data);

/* All symbols of that name; returns how many, *ret points at the first of an
 * array of indexes into syms. */
size_t sut_profile_lookup(const struct sut_profile *p, const char *name, const uint32_t **ret);

/* The symbol that starts at or before addr; NULL below the first one. */
const struct sut_ksym *sut_profile_at(const struct sut_profile *p, uint64_t addr);

/* NULL when neither vmlinux nor a module of this build exports it. */
const struct sut_export *sut_profile_export(const struct sut_profile *p, const char *name);

/* Is there an fentry call site at addr? */
bool sut_profile_has_fentry(const struct sut_profile *p, uint64_t addr);

#endif
