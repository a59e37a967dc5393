/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our record inside of a patched process: the first bytes of the image that was mapped for a patch.
 *
 * It is the only truth about what is applied: written before the first jump, inherited by fork, gone with exec. It is
 * enough to take everything back without any file. docs/formats/library.md ("The record").
 */
#ifndef SUTURE_PROCESS_CHANGE_RECORD_H
#define SUTURE_PROCESS_CHANGE_RECORD_H

#include "look/proc.h"

#define RECORD_MAGIC "SUTUREP1"

enum record_state {
	RECORD_WRITING = 0,   /* the image is being written: nothing refers to it */
	RECORD_READY = 1,     /* complete; jumps may be there, or some of them */
	RECORD_APPLIED = 2,   /* every jump is there */
	RECORD_REVERTING = 3, /* some may have been taken out */
	RECORD_REVERTED =
		4, /* none is there; the code stays, because somebody may still be in it */
	RECORD_REPLACED = 5, /* another image has its place */
};

/* All little-endian, naturally aligned, SUT_LIBRARY_HEAD bytes with the padding behind it. */
struct record_head {
	char magic[8];
	uint32_t version, state; /* 1 */
	uint32_t nplaces, len;	 /* places that follow; bytes of head and places */
	uint32_t level, pad;
	uint8_t build_id[24]; /* 20, and zeros */
	uint8_t sha256[32];   /* of the patch file */
	char id[64];
	uint64_t image; /* its own address: a copy elsewhere is none */
	uint64_t image_len;
	uint64_t bias;	   /* of the target */
	uint64_t replaces; /* address of the record that it takes the place of; 0: none */
	uint64_t time;	   /* CLOCK_BOOTTIME, seconds, when it was written */
	/* Offset in the image of struct record_busy, and how many: code of the target where nobody may be when it is taken out. */
	uint32_t busy_off, nbusy;
	uint8_t digest
		[32]; /* SHA-256 of head (state and digest as zero) and places: what does not agree is none of ours */
};

struct record_busy {
	uint64_t start, len; /* address */
};

/* One write into the target's code. SUT_LIBRARY_HEAD_FUNC bytes; an island and its jump are two writes of one place. */
struct record_place {
	uint64_t addr;		 /* of the jump */
	uint64_t func, func_len; /* addresses of the original */
	uint64_t new_addr;
	uint64_t island; /* 0: none */
	uint8_t original[5], jump[5], island_original[5],
		island_jump[5]; /* original: as shipped, never a jump of ours */
	uint32_t len; /* of the write at addr: 5 or 2; original and jump are zero behind it */
};

struct record {
	uint64_t at; /* where it lies in the process */
	struct record_head head;
	struct record_place *places;
};

/* Every record of ours in the process, by address; those of other build-ids as well. Anonymous private r-x mappings are looked at. */
int record_find(struct proc *p, struct record **ret, size_t *ret_n,
		struct sut_err *err) _must_check_;
void record_free_all(struct record *r, size_t n);

/* A pure check of what was read from a process: hostile bytes are none of ours. Every jump is one, and leads from the place
 * that it names into the image. -EBADMSG. */
int record_parse(const void *data, size_t len, uint64_t at, struct record *ret,
		 struct sut_err *err) _must_check_;
void record_release(struct record *r);

/* Writes head and places to r->at, state as it is in r; magic, version, len, image and digest are filled in here. */
int record_write(struct proc *p, const struct record *r, struct sut_err *err) _must_check_;
/* One aligned store of 4 bytes. */
int record_set_state(struct proc *p, const struct record *r, enum record_state s,
		     struct sut_err *err) _must_check_;

#endif
