/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the agent keeps what. Every path is below a root, "" but in tests and when an image is prepared
 * (--root DIR of sutured and suture-apply, SUTURE_ROOT for suture). docs/internals/agent.md says who
 * owns what.
 */
#ifndef SUTURE_AGENT_COMMON_PATHS_H
#define SUTURE_AGENT_COMMON_PATHS_H

#include <limits.h>

/* Of the administrator; read only for us. */
#define AGENT_CONF "/etc/suture/agent.conf"	       /* common/conf.h */
#define AGENT_ROOT_JSON "/etc/suture/root.json"	       /* the first root of the repository */
#define AGENT_KEYS "/etc/suture/keys.d"		       /* who may sign patches and engines */
#define AGENT_PORTAL_CA AGENT_NET_DIR "/portal-ca.pem" /* given at registration */
#define AGENT_JOB_KEYS "/etc/suture/job-keys.d"	       /* who may sign jobs */
#define AGENT_HEALTH "/etc/suture/health.d"	       /* health checks */
#define AGENT_DISABLED "/etc/suture/disabled"	       /* when it is there, nothing is applied */

/* Of sutured: user and group "suture", 0700. */
#define AGENT_NET_DIR "/var/lib/suture/agent"
#define AGENT_IDENTITY AGENT_NET_DIR "/identity.json"  /* sutured/identity.h; 0600 */
#define AGENT_PORTAL_CA AGENT_NET_DIR "/portal-ca.pem" /* given at registration */
#define AGENT_JOB_KEY AGENT_NET_DIR "/job.key"	       /* signs results of jobs; PKCS#8, 0600 */
#define AGENT_TUF AGENT_NET_DIR "/tuf"		       /* trusted metadata */
#define AGENT_DOWNLOAD AGENT_NET_DIR "/download"       /* what is being fetched */
#define AGENT_JOBS AGENT_NET_DIR "/jobs"	       /* ids of jobs that were taken */
#define AGENT_NET_STATE AGENT_NET_DIR "/state.json"    /* what was last known; may be lost */

/* Of suture-apply: root, 0755, readable by all. */
#define AGENT_APPLY_DIR "/var/lib/suture/apply"
#define AGENT_KERNELS                                                                              \
	AGENT_APPLY_DIR                                                                            \
	"/kernels" /* BUILDID/guard.json, BUILDID/{SHA256.kpatch.bin,suture.ko}[.sig] */
#define AGENT_LIBRARIES                                                                            \
	AGENT_APPLY_DIR                                                                            \
	"/libraries" /* BUILDID/{wanted.json,SHA256.upatch.bin[.sig],SHA256.json} */
#define AGENT_CHOICE AGENT_APPLY_DIR "/choice.json"    /* common/choice.h */
#define AGENT_CLEAN AGENT_APPLY_DIR "/clean"	       /* boot id of the last orderly shutdown */
#define AGENT_HISTORY AGENT_APPLY_DIR "/history.jsonl" /* common/history.h */
#define AGENT_METRICS_AT AGENT_APPLY_DIR "/metrics"    /* where the metrics were written last */

/* Gone after a boot. 0755 root. */
#define AGENT_RUN "/run/suture"
#define AGENT_SOCKET AGENT_RUN "/agent.sock"	   /* of sutured, 0666 */
#define AGENT_APPLY_SOCKET AGENT_RUN "/apply.sock" /* of suture-apply, 0660 root:suture */
#define AGENT_APPLY_STATE                                                                          \
	AGENT_RUN "/state.json"		   /* the answer to "status" of suture-apply, for all */
#define AGENT_RESIDUE AGENT_RUN "/residue" /* of suture-apply: an unload left changed code behind */
#define AGENT_EFFECTIVE AGENT_RUN "/effective_version" /* for other tools: docs/formats/truth.md */
#define AGENT_CVES AGENT_RUN "/cves"
#define AGENT_RELEASE AGENT_RUN "/release.json"
#define AGENT_NET_SAID AGENT_RUN "/agent.json" /* what sutured said of itself, for the metrics */
#define AGENT_PROCESS_SOCKET AGENT_RUN "/process.sock" /* of suture-process, 0600 root */
#define AGENT_FED AGENT_RUN "/libraries"	       /* it was told in this boot what is to run */
#define AGENT_ASKED AGENT_RUN "/libraries.asked"       /* it may start although nothing is to run */
#define AGENT_PATCHED AGENT_RUN "/patched.json" /* processes in which a new patch is watched */
#define AGENT_VEX AGENT_RUN "/openvex.json"

struct agent_path {
	char s[PATH_MAX];
};

/* root and path, one behind the other; root may be NULL. What does not fit is cut, and names nothing. */
struct agent_path agent_path(const char *root, const char *path);

#endif
