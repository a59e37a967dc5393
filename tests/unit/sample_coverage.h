/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A coverage document for tests: one kernel (build id "aa…"), a newer one ("bb…"), and two builds of libssl ("cc…" and "dd…").
 *
 *	CVE-2026-1001	kernel aa: level 1
 *	CVE-2026-1002	kernel aa: level 2, which only the feed "test" has
 *	CVE-2026-1003	kernel aa: in part by level 1; package 6.1.174-1
 *	CVE-2026-1004	kernel aa: a reboot into 6.1.180-1
 *	CVE-2026-1005	kernel aa: in part by level 1, whole by level 2
 *	CVE-2026-2001	libssl cc: level 1
 *	CVE-2026-2002	libssl cc: the package 3.0.16-1
 */
#ifndef SUTURE_TESTS_SAMPLE_COVERAGE_H
#define SUTURE_TESTS_SAMPLE_COVERAGE_H

#define SAMPLE_KERNEL_AA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SAMPLE_KERNEL_BB "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SAMPLE_LIBSSL_CC "cccccccccccccccccccccccccccccccccccccccc"
#define SAMPLE_LIBSSL_DD "dddddddddddddddddddddddddddddddddddddddd"

#define SAMPLE_COVERAGE                                                                               \
	"{\"format\":\"suture-coverage\",\"version\":1,\"targets\":[\n"                               \
	"{\"build_id\":\"" SAMPLE_KERNEL_AA "\",\"kernel_id\":\"9ab0\",\"product\":\"kernel\","       \
	"\"target\":\"debian/6.1.0-47-amd64\",\"arch\":\"x86_64\",\"release\":\"6.1.0-47-amd64\","    \
	"\"package\":\"linux-image-6.1.0-47-amd64\",\"package_version\":\"6.1.170-3\","               \
	"\"file\":null,\"soname\":null,"                                                              \
	"\"source\":{\"distribution\":\"debian\",\"name\":\"linux\",\"version\":\"6.1.192-2\"},"      \
	"\"levels\":[{\"level\":1,\"patchset\":\"K20260601_01\","                                     \
	"\"released\":\"2026-06-01T12:00:00Z\",\"feeds\":[\"test\",\"stable\"]},"                     \
	"{\"level\":2,\"patchset\":\"K20260615_01\",\"released\":\"2026-06-15T12:00:00Z\","           \
	"\"feeds\":[\"test\"]}],"                                                                     \
	"\"fixed\":[{\"cve\":\"CVE-2026-1001\",\"level\":1},"                                         \
	"{\"cve\":\"CVE-2026-1002\",\"level\":2},{\"cve\":\"CVE-2026-1005\",\"level\":2}],"           \
	"\"partial\":[{\"cve\":\"CVE-2026-1003\",\"level\":1,\"status\":\"mitigated\","               \
	"\"note\":\"the ioctl only\",\"fixed_in\":\"6.1.174-1\"},"                                    \
	"{\"cve\":\"CVE-2026-1005\",\"level\":1,\"status\":\"partial\",\"note\":\"half\"}],"          \
	"\"pending_reboot\":[{\"cve\":\"CVE-2026-1004\",\"fixed_in\":\"6.1.180-1\"}]},\n"             \
	"{\"build_id\":\"" SAMPLE_KERNEL_BB "\",\"kernel_id\":\"9ab1\",\"product\":\"kernel\","       \
	"\"target\":\"debian/6.1.0-48-amd64\",\"arch\":\"x86_64\",\"release\":\"6.1.0-48-amd64\","    \
	"\"package\":\"linux-image-6.1.0-48-amd64\",\"package_version\":\"6.1.180-1\","               \
	"\"file\":null,\"soname\":null,"                                                              \
	"\"source\":{\"distribution\":\"debian\",\"name\":\"linux\",\"version\":\"6.1.192-2\"},"      \
	"\"levels\":[],\"fixed\":[],\"partial\":[],\"pending_reboot\":[]},\n"                         \
	"{\"build_id\":\"" SAMPLE_LIBSSL_CC "\",\"kernel_id\":null,\"product\":\"library\","          \
	"\"target\":\"debian/libssl3\",\"arch\":\"x86_64\",\"release\":null,"                         \
	"\"package\":\"libssl3\",\"package_version\":\"3.0.15-1\",\"file\":\"/usr/lib/libssl.so.3\"," \
	"\"soname\":\"libssl.so.3\","                                                                 \
	"\"source\":{\"distribution\":\"debian\",\"name\":\"openssl\",\"version\":\"3.0.16-1\"},"     \
	"\"levels\":[{\"level\":1,\"patchset\":\"U20260701_01\","                                     \
	"\"released\":\"2026-07-01T12:00:00Z\",\"feeds\":[\"stable\"]}],"                             \
	"\"fixed\":[{\"cve\":\"CVE-2026-2001\",\"level\":1}],\"partial\":[],"                         \
	"\"pending_reboot\":[{\"cve\":\"CVE-2026-2002\",\"fixed_in\":\"3.0.16-1\"}]},\n"              \
	"{\"build_id\":\"" SAMPLE_LIBSSL_DD "\",\"kernel_id\":null,\"product\":\"library\","          \
	"\"target\":\"debian/libssl3\",\"arch\":\"x86_64\",\"release\":null,"                         \
	"\"package\":\"libssl3\",\"package_version\":\"3.0.16-1\",\"file\":\"/usr/lib/libssl.so.3\"," \
	"\"soname\":\"libssl.so.3\","                                                                 \
	"\"source\":{\"distribution\":\"debian\",\"name\":\"openssl\",\"version\":\"3.0.16-1\"},"     \
	"\"levels\":[],\"fixed\":[],\"partial\":[],\"pending_reboot\":[]}\n]}\n"

#endif
