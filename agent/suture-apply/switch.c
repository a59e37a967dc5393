// SPDX-License-Identifier: Apache-2.0
#include "switch.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

/* Is this one of the words of the command line? */
static bool has_word(const char *cmdline, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = cmdline; *p; p += strcspn(p, " \t\n")) {
		p += strspn(p, " \t\n");
		if (strcspn(p, " \t\n") == n && memcmp(p, word, n) == 0)
			return true;
	}
	return false;
}

void switch_decide(const char *cmdline, bool disabled_file, enum choice_mode chosen,
		   struct switch_state *ret)
{
	if (has_word(cmdline, "suture=off"))
		*ret = (struct switch_state){CHOICE_OFF, "cmdline", false};
	else if (chosen == CHOICE_OFF)
		*ret = (struct switch_state){CHOICE_OFF, "choice", false};
	else if (disabled_file)
		*ret = (struct switch_state){CHOICE_OFF, "file", true};
	else if (has_word(cmdline, "suture=no-apply"))
		*ret = (struct switch_state){CHOICE_NO_APPLY, "cmdline", false};
	else if (chosen == CHOICE_NO_APPLY)
		*ret = (struct switch_state){CHOICE_NO_APPLY, "choice", false};
	else
		*ret = (struct switch_state){CHOICE_NORMAL, "", false};
}

void switch_read(struct apply *a, const struct machine_kernel *k, const struct choice *c,
		 struct switch_state *ret)
{
	struct agent_path file = agent_path(a->root, AGENT_DISABLED);
	struct stat st;
	bool there = lstat(file.s, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);

	switch_decide(k->cmdline, there, c->mode, ret);
}

int switch_check(const struct switch_state *s, struct sut_err *err)
{
	const char *word = choice_mode_word(s->mode);

	if (s->mode == CHOICE_NORMAL)
		return 0;
	if (strcmp(s->by, "file") == 0)
		return sut_err_reason(err, EPERM, "disabled",
				      "the file " AGENT_DISABLED " keeps everything new away from "
				      "this machine. Remove it to allow patches again");
	if (strcmp(s->by, "cmdline") == 0)
		return sut_err_reason(err, EPERM, "mode",
				      "the kernel was booted with suture=%s. Boot it without that "
				      "to allow patches again",
				      word);
	return sut_err_reason(err, EPERM, "mode",
			      "the mode of this machine is %s. Allow patches again with 'suture "
			      "mode normal'",
			      word);
}
