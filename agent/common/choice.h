/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the administrator of this machine has chosen by `suture mode`, `pin`, `hold` and `tag`. suture-apply
 * keeps it in AGENT_CHOICE; both halves obey it, and the root half is the one that cannot be talked out of it.
 */
#ifndef SUTURE_AGENT_COMMON_CHOICE_H
#define SUTURE_AGENT_COMMON_CHOICE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum choice_mode {
	CHOICE_NORMAL,
	CHOICE_NO_APPLY, /* what runs stays; nothing new is applied, nothing after a boot */
	CHOICE_OFF,	 /* what runs is taken out, and nothing is applied */
};

enum choice_pin { CHOICE_PIN_NONE, CHOICE_PIN_LEVEL, CHOICE_PIN_DATE, CHOICE_PIN_PATCHSET };

enum {
	CHOICE_MAX = 64 << 10, /* bytes of the file */
	CHOICE_TAGS_MAX = 32,
	CHOICE_TAG_MAX =
		64, /* bytes, "name" or "name:value" of A-Z a-z 0-9 . _ - / @ and one colon */
	CHOICE_REASON_MAX = 256, /* bytes, printable */
};

struct choice {
	enum choice_mode mode;
	enum choice_pin pin;
	uint32_t pin_level; /* PIN_LEVEL: not above it */
	char pin_date[sizeof(
		"2026-11-21")]; /* PIN_DATE: nothing released later than the end of this day, UTC */
	char pin_patchset[64];	/* PIN_PATCHSET: this one */
	bool hold;
	int64_t hold_until; /* seconds since the epoch; 0: until it is taken back */
	char hold_reason[CHOICE_REASON_MAX + 1];
	char tags[CHOICE_TAGS_MAX][CHOICE_TAG_MAX + 1];
	size_t ntags;
};

/* -EBADMSG names the member. A pure function. */
int choice_parse(const void *text, size_t len, struct choice *ret,
		 struct sut_err *err) _must_check_;
json_t *choice_json(const struct choice *c);
int choice_from_json(const json_t *j, struct choice *ret, struct sut_err *err) _must_check_;

/* All defaults when there is no file. A file that cannot be read or is damaged is an error: what it
 * forbade is not known. */
int choice_read(const char *root, struct choice *ret, struct sut_err *err) _must_check_;
int choice_write(const char *root, const struct choice *c, struct sut_err *err) _must_check_;

/* Is it held at this moment? */
bool choice_held(const struct choice *c, int64_t now);

bool choice_tag_valid(const char *tag);
const char *choice_mode_word(enum choice_mode m); /* "normal", "no-apply", "off" */
bool choice_mode_parse(const char *word, enum choice_mode *ret);

#endif
