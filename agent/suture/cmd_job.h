/* SPDX-License-Identifier: Apache-2.0 */
/* The words behind `suture job` (docs/formats/job.md). argv[0] is the word itself. cmd_job() of cmd_job.c calls them. */
#ifndef SUTURE_AGENT_CMD_JOB_H
#define SUTURE_AGENT_CMD_JOB_H

int cmd_job_run(int argc,
		char **argv); /* cmd_job.c: gives a manifest to sutured, writes the result */
int cmd_job_key(int argc, char **argv);	 /* cmd_job_key.c: makes a pair of keys that sign jobs */
int cmd_job_new(int argc, char **argv);	 /* cmd_job_new.c: prints a manifest to be filled in */
int cmd_job_sign(int argc, char **argv); /* cmd_job_sign.c: a manifest becomes an envelope */
int cmd_job_verify(
	int argc,
	char **argv); /* cmd_job_verify.c: shows a manifest or a result, and who signed it */

#endif
