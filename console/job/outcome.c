// SPDX-License-Identifier: Apache-2.0
#include "job/outcome.h"

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

static const char *const states[JOB_STATES] = {
	[JOB_QUEUED] = "queued",   [JOB_OFFERED] = "offered",	  [JOB_RUNNING] = "running",
	[JOB_WAITING] = "waiting", [JOB_DONE] = "done",		  [JOB_FAILED] = "failed",
	[JOB_SKIPPED] = "skipped", [JOB_CANCELLED] = "cancelled", [JOB_EXPIRED] = "expired",
};

struct text {
	const char *word, *text;
};

/* docs/formats/job.md, status.md, explain.md */
static const struct text outcomes[] = {
	{"already-applied", "It ran this patch already."},
	{"applied", "The patch runs."},
	{"bad-signature",
	 "The patch is not signed by anybody this system trusts. Nothing was changed."},
	{"busy", "Tasks kept running the code that was to be replaced. Try again later."},
	{"changed", "Somebody else changed the code that is patched. Nothing was changed."},
	{"checked", "It looked into portal and repository."},
	{"clock", "The clock of the system, or of this console, is wrong. Set it and try again."},
	{"conflict", "Another patcher, a probe or a livepatch is in the way. Nothing was changed."},
	{"container", "This is a container: its kernel is another machine's business."},
	{"current", "There is nothing newer to apply."},
	{"differs", "The patch is not the one that was meant. Nothing was changed."},
	{"disabled", "Live patching was switched off on the system by its administrator."},
	{"disk-full", "There is no room for the patch on the system."},
	{"download", "The patch could not be fetched."},
	{"engine-missing", "suture.ko is neither installed nor in the repository."},
	{"engine-refused",
	 "The kernel does not load suture.ko (lockdown, Secure Boot): its key has to be enrolled."},
	{"expired", "The job came too late: it had expired."},
	{"foreign", "The job does not name this system."},
	{"full", "The system has taken too many jobs that have not expired."},
	{"held", "The patch is held back on the system."},
	{"hold", "The administrator of the system holds changes back (suture hold)."},
	{"interrupted", "The agent or the machine stopped in the middle of it."},
	{"keys", "The folder of job keys on the system cannot be used."},
	{"lower-level", "It runs a higher level. Nothing was changed."},
	{"metadata-expired", "What the repository says is too old to be believed."},
	{"mismatch",
	 "The running code is not what the patch was built against. Nothing was changed."},
	{"mode", "The mode of the agent does not allow it (suture mode)."},
	{"no-apply", "The system was told to apply nothing (suture=no-apply)."},
	{"no-keys", "The system takes jobs from nobody: this console's key is not in "
		    "/etc/suture/job-keys.d."},
	{"no-patch", "There is no patch for this kernel."},
	{"no-target", "The job says nothing about this kernel, or a library that is in use."},
	{"not-in-repository", "The patch is not in the repository."},
	{"not-registered", "The system is not registered at a portal."},
	{"not-yet", "The job was given before its time."},
	{"nothing-applied", "Nothing was applied."},
	{"off-cmdline", "Live patching is off by the kernel command line (suture=off)."},
	{"off-file", "Live patching is off: /etc/suture/disabled is there."},
	{"off-mode", "Live patching is off (suture mode off)."},
	{"permissions", "The folder of job keys on the system can be written to by others."},
	{"pin", "The system is pinned to another level (suture pin)."},
	{"portal-held", "The portal holds the patch back for this system."},
	{"product", "The agent's settings exclude this product, or the action is not for it."},
	{"quarantined", "The patch did harm on this system before, and is not applied again."},
	{"ready", "Nothing is in the way. Nothing was changed."},
	{"reboot-needed", "Only a reboot helps this system."},
	{"replayed", "The system took a job of this name before."},
	{"repository-refused", "What came from the repository was not believed."},
	{"repository-silent", "The repository does not answer."},
	{"residue", "Code of an earlier patch is left in the kernel. Only a reboot helps."},
	{"reverted", "The patch was taken out."},
	{"signature", "The manifest was changed on its way. Nothing was done."},
	{"stop-flag", "Those who release patches have stopped them."},
	{"trouble", "The identity of the system is damaged, or another machine has it."},
	{"unknown-key",
	 "The system does not know this console's key: put it into /etc/suture/job-keys.d."},
	{"unreachable", "The repository cannot be reached."},
	{"unreliable-stack", "Stacks of tasks could not be read to their end. Try again later."},
	{"unsupported", "The kernel of this system cannot be patched."},
	{"verified", "The running code is what it is to be."},
	{"version", "The agent is too old for this job."},
	{"waiting", "The agent has the job, and waits for its window."},
	{"window", "The maintenance window is closed."},
	{"wrong-kernel", "The patch is for another kernel build."},
};

static const struct text reasons[] = {
	{"busy", "It is in another job that runs."},
	{"cancelled", "The job was cancelled before this system got it."},
	{"expired", "It did not fetch the job in time. Is it switched off?"},
	{"gone", "It is no system of this console any more."},
	{"no-answer", "It fetched the job, and said nothing until the job had expired."},
	{"no-job-key",
	 "Its key is not known: the portal has not told it. The agent may be too old."},
	{"not-found", "There is no such system."},
	{"not-registered", "It is not registered at the portal. Add it under Enrolment first."},
	{"nothing-to-do", "There is nothing that a live patch could do there."},
	{"offline", "It has not been heard of lately."},
	{"runs-on", "It got the job before that was cancelled, and ends it."},
	{"stopped", "Too many systems failed before it was this one's turn."},
};

static const char *look(const struct text *v, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (sut_streq(v[i].word, word))
			return v[i].text;
	return NULL;
}

const char *job_state_word(enum job_state s)
{
	return states[s];
}

bool job_state_parse(const char *word, enum job_state *ret)
{
	for (int s = 0; s < JOB_STATES; s++)
		if (sut_streq(states[s], word)) {
			*ret = (enum job_state)s;
			return true;
		}
	return false;
}

enum job_state job_outcome_state(const char *outcome, int exit)
{
	if (sut_streq(outcome, "waiting"))
		return JOB_WAITING;
	return exit == 0 ? JOB_DONE : JOB_FAILED;
}

const char *job_outcome_text(const char *outcome)
{
	return look(outcomes, SUT_ARRAY_SIZE(outcomes), outcome);
}

const char *job_reason_text(const char *reason)
{
	return look(reasons, SUT_ARRAY_SIZE(reasons), reason);
}
