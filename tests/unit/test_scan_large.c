// SPDX-License-Identifier: Apache-2.0
/*
 * Large scans of every format, made while they are read: how much memory that takes. SCAN_MB=500 says how large (20 is usual); then the
 * figures are printed, too.
 */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "base/buf.h"
#include "base/str.h"
#include "scan/scan.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* One file: head, then body as often as it takes, then for OVAL the results, then tail. */
struct kind {
	const char *name, *head, *tail;
	void (*body)(struct sut_buf *b, unsigned int i);
	void (*second)(struct sut_buf *b,
		       unsigned int i); /* NULL, or as often as the body, behind middle */
	const char *middle;
	size_t kept_max; /* MiB */
};

struct outcome {
	uint64_t bytes, findings;
	long grown; /* KiB */
	double seconds;
	int result;
	char msg[256];
};

#define WORDS                                                                                      \
	"It was discovered that a part of the system does not look at what it is given, so that "  \
	"somebody who is allowed to give it something may see, change or stop more than he should. "

static void add(struct sut_buf *b, const char *fmt, ...) _printf_(2, 3);

static void add(struct sut_buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (sut_buf_vaddf(b, fmt, ap) < 0)
		abort();
	va_end(ap);
}

static void oval(struct sut_buf *b, unsigned int i)
{
	add(b,
	    "<definition id='oval:org.debian:def:%u' version='1' class='vulnerability'><metadata>"
	    "<title>CVE-2026-%u linux</title><affected family='unix'><platform>Debian GNU/Linux 12"
	    "</platform><product>linux</product></affected><reference ref_id='CVE-2026-%u' "
	    "ref_url='https://tracker.example/CVE-2026-%u' source='CVE'/><description>" WORDS WORDS
	    "</description></metadata><criteria comment='Release section'><criterion "
	    "test_ref='oval:org.debian:tst:1' comment='Debian 12 is installed'/><criterion "
	    "test_ref='oval:org.debian:tst:%u' comment='linux DPKG is earlier than 0:6.1.%u-1'/>"
	    "</criteria></definition>\n",
	    i, 10000 + i, 10000 + i, 10000 + i, i, i % 300);
}

static void oval_result(struct sut_buf *b, unsigned int i)
{
	add(b,
	    "<definition definition_id='oval:org.debian:def:%u' result='%s' version='1'><criteria "
	    "operator='AND' result='true'><criterion test_ref='oval:org.debian:tst:1' version='1' "
	    "result='true'/><criterion test_ref='oval:org.debian:tst:%u' version='1' "
	    "result='true'/></criteria></definition>\n",
	    i, i % 4 ? "true" : "false", i);
}

static void nessus(struct sut_buf *b, unsigned int i)
{
	if (i % 200 == 0)
		add(b,
		    "%s<ReportHost name='h%u'><HostProperties><tag name='host-ip'>10.%u.%u.%u</tag>"
		    "</HostProperties>\n",
		    i ? "</ReportHost>" : "", i / 200, i / 200 >> 16 & 255, i / 200 >> 8 & 255,
		    i / 200 & 255);
	add(b,
	    "<ReportItem port='0' severity='3' pluginID='%u' pluginName='Debian dsa-%u : linux'>"
	    "<cve>CVE-2026-%u</cve><cve>CVE-2026-%u</cve><description>" WORDS WORDS
	    "</description><plugin_output>Remote package installed : linux_6.1.1-1\n"
	    "Should be : linux_6.1.2-1</plugin_output></ReportItem>\n",
	    100000 + i, i, 10000 + i, 10001 + i);
}

static void trivy(struct sut_buf *b, unsigned int i)
{
	add(b,
	    "%s{\"VulnerabilityID\":\"CVE-2026-%u\",\"PkgName\":\"linux\",\"PkgIdentifier\":"
	    "{\"PURL\":\"pkg:deb/debian/linux@6.1.1-1\"},\"InstalledVersion\":\"6.1.1-1\","
	    "\"FixedVersion\":\"6.1.2-1\",\"Severity\":\"HIGH\",\"Title\":\"kernel\","
	    "\"Description\":\"" WORDS WORDS "\",\"CVSS\":{\"nvd\":{\"V3Score\":7.8}},"
	    "\"References\":[\"https://tracker.example/%u\"]}\n",
	    i ? "," : "", 10000 + i, i);
}

static void grype(struct sut_buf *b, unsigned int i)
{
	add(b,
	    "%s{\"vulnerability\":{\"id\":\"CVE-2026-%u\",\"severity\":\"High\",\"urls\":"
	    "[\"https://tracker.example/%u\"],\"description\":\"" WORDS "\",\"fix\":{\"versions\":"
	    "[\"6.1.2-1\"],\"state\":\"fixed\"}},\"relatedVulnerabilities\":[{\"id\":"
	    "\"CVE-2026-%u\",\"description\":\"" WORDS WORDS WORDS WORDS "\"}],\"matchDetails\":"
	    "[{\"type\":\"exact-direct-match\",\"searchedBy\":{\"package\":{\"name\":\"linux\"}},"
	    "\"found\":{\"versionConstraint\":\"< 6.1.2-1 (deb)\"}}],\"artifact\":{\"name\":"
	    "\"linux\",\"version\":\"6.1.1-1\",\"cpes\":[\"cpe:2.3:a:linux:linux:6.1.1-1:*:*\"],"
	    "\"purl\":\"pkg:deb/debian/linux@6.1.1-1\"}}\n",
	    i ? "," : "", 10000 + i, i, 10000 + i);
}

static void debsecan(struct sut_buf *b, unsigned int i)
{
	add(b,
	    "CVE-2026-%u (fixed, remotely exploitable, high urgency)\n  " WORDS "\n"
	    "  installed: linux-image-6.1.0-18-amd64 6.1.76-1\n             (built from linux 6.1.76-1)\n"
	    "  fixed in unstable: linux 6.12.2-1 (source package)\n"
	    "  fixed on branch:   linux 6.1.170-3 (source package)\n"
	    "  fix is available for the selected suite (bookworm)\n\n",
	    10000 + i);
}

static void csv(struct sut_buf *b, unsigned int i)
{
	add(b, "h%u,\"CVE-2026-%u, CVE-2026-%u\",linux,6.1.76-1,6.1.170-3,high,\"" WORDS "\"\n",
	    i / 50, 10000 + i, 10001 + i);
}

#define SYSTEM                                                                                     \
	"</definitions><oval_system_characteristics><system_info><primary_host_name>a"             \
	"</primary_host_name></system_info></oval_system_characteristics></system></results>"

static const struct kind kinds[] = {
	{"oval", "<oval_results><oval_definitions><definitions>", SYSTEM "</oval_results>", oval,
	 oval_result, "</definitions></oval_definitions><results><system><definitions>", 128},
	{"arf",
	 "<asset-report-collection><reports><report><oval_results><oval_definitions><definitions>",
	 SYSTEM "</oval_results></report></reports></asset-report-collection>", oval, oval_result,
	 "</definitions></oval_definitions><results><system><definitions>", 128},
	{"nessus", "<NessusClientData_v2><Report>", "</ReportHost></Report></NessusClientData_v2>",
	 nessus, NULL, NULL, 2},
	{"trivy",
	 "{\"SchemaVersion\":2,\"ArtifactName\":\"a\",\"Metadata\":{},\"Results\":[{\"Vulnerabilities\":[",
	 "]}]}", trivy, NULL, NULL, 2},
	{"grype", "{\"matches\":[", "],\"source\":{\"type\":\"directory\",\"target\":\"a\"}}",
	 grype, NULL, NULL, 128},
	{"debsecan", "", "", debsecan, NULL, NULL, 2},
	{"csv", "host,cve,package,version,fixed,severity,title\n", "", csv, NULL, NULL, 2},
};

static int on_host(void *ctx _unused_, const struct sut_scan_host *h _unused_,
		   struct sut_err *err _unused_)
{
	return 0;
}

static int on_finding(void *ctx _unused_, const struct sut_scan_finding *f, struct sut_err *err)
{
	return f->ncves && f->package ? 0 : sut_err_set(err, EINVAL, "a finding without a CVE");
}

static long rss(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static int feed(struct sut_scan *s, struct sut_buf *b, struct sut_err *err)
{
	int r = sut_scan_feed(s, b->data, b->len, err);

	b->len = 0;
	return r;
}

static int import(const struct kind *k, size_t size, struct outcome *out, struct sut_err *err)
{
	static const struct sut_scan_host host = {.hostname = "a"};
	const struct sut_scan_opts o = {.name = k->name, .host = &host};
	const struct sut_scan_sink sink = {on_host, on_finding, NULL, NULL};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	_cleanup_scan_ struct sut_scan *s = NULL;
	struct sut_scan_summary sum;
	unsigned int n = 0;
	size_t fed = 0;
	int r = sut_scan_open(&o, &sink, &s, err);

	add(&b, "%s", k->head);
	/* The second part of OVAL is a quarter of the whole. */
	while (r == 0 && fed < (k->second ? size / 4 * 3 : size)) {
		while (b.len < (64 << 10))
			k->body(&b, n++);
		fed += b.len;
		r = feed(s, &b, err);
	}
	if (k->second)
		add(&b, "%s", k->middle);
	for (unsigned int i = 0; k->second && r == 0 && i < n; i++) {
		k->second(&b, i);
		if (b.len > (64 << 10))
			r = feed(s, &b, err);
	}
	add(&b, "%s", k->tail);
	if (r == 0)
		r = feed(s, &b, err);
	if (r == 0)
		r = sut_scan_finish(s, &sum, err);
	if (r == 0) {
		out->bytes = sum.bytes;
		out->findings = sum.findings;
	}
	return r;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* In a process of its own, whose memory is that of this import. */
static void measure(const struct kind *k, size_t size, struct outcome *out)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct sut_err err = {0};
		double begin = now();
		long before = rss();

		out->result = import(k, size, out, &err);
		out->grown = rss() - before;
		out->seconds = now() - begin;
		snprintf(out->msg, sizeof(out->msg), "%.255s", err.msg);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_memory_is_bounded(void **state _unused_)
{
	const char *mb = getenv("SCAN_MB");
	uint64_t size = 20;
	struct outcome *out =
		mmap(NULL, sizeof(*out), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(out != MAP_FAILED);
	if (mb)
		assert_int_equal(sut_parse_u64(mb, 4000, &size), 0);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(kinds); i++) {
		const struct kind *k = &kinds[i];

		memset(out, 0, sizeof(*out));
		measure(k, size << 20, out);
		if (mb)
			print_message("# %s: %llu MB, %llu findings, %.1f s, %ld KiB\n", k->name,
				      (unsigned long long)out->bytes >> 20,
				      (unsigned long long)out->findings, out->seconds, out->grown);
		if (out->result < 0)
			fail_msg("%s: %s", k->name, out->msg);
		assert_true(out->bytes >= (size << 20) / 10 * 9 && out->findings > size * 100);
		if (SANITIZED) /* which keeps what is freed */
			continue;
		assert_true(out->grown < (long)(k->kept_max + 2) * 1024);
		/* What is kept is a small part of the file. */
		assert_true(out->grown < (long)(size / 4 + 4) * 1024);
	}
	munmap(out, sizeof(*out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
