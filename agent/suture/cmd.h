/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of suture. argv[0] is the subcommand's own name. */
#ifndef SUTURE_AGENT_CMD_H
#define SUTURE_AGENT_CMD_H

#include <stdbool.h>

#include "kernel/exit.h"

int cmd_apply(int argc, char **argv);	   /* cmd_apply.c */
int cmd_check(int argc, char **argv);	   /* cmd_check.c */
int cmd_cves(int argc, char **argv);	   /* cmd_cves.c */
int cmd_doctor(int argc, char **argv);	   /* cmd_doctor.c */
int cmd_explain(int argc, char **argv);	   /* cmd_explain.c */
int cmd_history(int argc, char **argv);	   /* cmd_history.c */
int cmd_hold(int argc, char **argv);	   /* cmd_hold.c */
int cmd_info(int argc, char **argv);	   /* cmd_info.c */
int cmd_job(int argc, char **argv);	   /* cmd_job.c */
int cmd_lib(int argc, char **argv);	   /* cmd_lib.c */
int cmd_mode(int argc, char **argv);	   /* cmd_mode.c */
int cmd_pin(int argc, char **argv);	   /* cmd_pin.c */
int cmd_preflight(int argc, char **argv);  /* cmd_preflight.c */
int cmd_quarantine(int argc, char **argv); /* cmd_quarantine.c */
int cmd_register(int argc, char **argv);   /* cmd_register.c */
int cmd_revert(int argc, char **argv);	   /* cmd_revert.c */
int cmd_status(int argc, char **argv);	   /* cmd_status.c */
int cmd_tag(int argc, char **argv);	   /* cmd_tag.c */
int cmd_uname(int argc, char **argv);	   /* cmd_uname.c */
int cmd_unload(int argc, char **argv);	   /* cmd_unload.c */
int cmd_unregister(int argc, char **argv); /* cmd_unregister.c */
int cmd_update(int argc, char **argv);	   /* cmd_update.c */
int cmd_verify(int argc, char **argv);	   /* cmd_verify.c */
int cmd_vex(int argc, char **argv);	   /* cmd_vex.c */

/* suture under another name (kcarectl.c): what comes from KernelCare calls it so. */
int kcarectl(int argc, char **argv);
int kcare_uname(int argc, char **argv);

/* Words that several commands take (words.c): a level, 0 to 2147483647, and the name of a patchset. */
bool cmd_is_level(const char *word);
bool cmd_is_patchset(const char *word);

#endif
