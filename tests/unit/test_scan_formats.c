// SPDX-License-Identifier: Apache-2.0
/* Nessus, Trivy, Grype and CSV; what all formats have alike: detection, gzip, limits. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "sample_scan.h"

static const struct sut_scan_opts detect = {.name = "scan"};
static const struct sut_scan_opts of_web1 = {.name = "scan", .host = &sample_scan_host};

static struct sut_scan_opts forced(enum sut_scan_format f)
{
	return (struct sut_scan_opts){.format = f, .name = "scan", .host = &sample_scan_host};
}

static void expect_bytes(const struct sut_scan_opts *o, const void *data, size_t len,
			 const char *text)
{
	_cleanup_sample_scan_ struct sample_scan r = {0};

	sample_scan_run(&r, o, data, len, len ? len : 1, 0);
	if (r.result < 0)
		fail_msg("%s", r.err.msg);
	assert_string_equal(sut_buf_str(&r.text), text);
}

static void expect_text(const struct sut_scan_opts *o, const char *data, const char *text)
{
	expect_bytes(o, data, strlen(data), text);
}

static void expect(const char *file, enum sut_scan_format f, const char *text)
{
	_cleanup_sample_scan_ struct sample_scan r = {0};
	struct sut_scan_opts force = forced(f);
	_cleanup_buf_ struct sut_buf b;

	sample_scan_file(file, &b);
	expect_bytes(&detect, b.data, b.len, text);
	sample_scan_run(&r, &detect, b.data, b.len, b.len, 0);
	assert_int_equal(r.sum.format, f);
	sample_scan_pieces(&detect, b.data, b.len);
	sample_scan_cuts(&detect, b.data, b.len, f == SUT_SCAN_CSV);
	sample_scan_cuts(&force, b.data, b.len, f == SUT_SCAN_CSV);
}

static void refuse(const struct sut_scan_opts *o, const char *data, const char *why)
{
	_cleanup_sample_scan_ struct sample_scan r = {0};

	sample_scan_run(&r, o, data, strlen(data), strlen(data) + 1, 0);
	if (r.result != -EBADMSG)
		fail_msg("%d: %s", r.result, r.err.msg);
	assert_string_equal(r.err.reason, "scan");
	assert_says(r.err, why);
}

static void test_nessus(void **state _unused_)
{
	expect("nessus.xml", SUT_SCAN_NESSUS,
	       "host fqdn=web1.example.org name=web1 os=Linux Kernel 6.1.0-18-amd64 on Debian 12.5 "
	       "kernel=6.1.0-18-amd64 ip=192.0.2.10 mac=02:fc:00:00:00:01 mac=02:fc:00:00:00:02 "
	       "at=1795342272\n"
	       "finding 200001 [CVE-2026-1004 CVE-2026-1005] "
	       "title=Debian dsa-9998 : linux - security update package=linux-image-6.1.0-18-amd64 "
	       "version=6.1.76-1 fixed=6.1.170-3 severity=high\n"
	       "finding 200001 [CVE-2026-1004] "
	       "title=Debian dsa-9998 : linux - security update package=linux-image-6.1.0-17-amd64 "
	       "version=6.1.69-1 fixed=6.1.170-3 severity=high not-running\n"
	       "finding 51192 [] title=SSL Certificate Cannot Be Trusted severity=medium\n"
	       "end\n"
	       "host name=db1 "
	       "os=Linux Kernel 5.14.0-362.8.1.el9_3.x86_64 on Red Hat Enterprise Linux release 9.3 "
	       "kernel=5.14.0-362.8.1.el9_3.x86_64 ip=192.0.2.11\n"
	       "finding 200002 [CVE-2026-1006] title=RHEL 9 : kernel (RHSA-2026:1234) "
	       "package=kernel version=5.14.0-284.11.1.el9_2 fixed=5.14.0-362.18.1.el9_3 "
	       "severity=critical not-running\n"
	       "end\n"
	       "host ip=192.0.2.12\nend\n");
}

static void test_what_is_not_nessus(void **state _unused_)
{
	struct sut_scan_opts f = forced(SUT_SCAN_NESSUS);

	refuse(&f, "<NessusClientData/>", "not a Nessus file of version 2");
	refuse(&detect, "<NessusClientData/>", "first version of the Nessus format");
	refuse(&detect, "<NessusClientData_v2><Policy/></NessusClientData_v2>", "holds no host");
	refuse(&detect, "<NessusClientData_v2><Report><ReportHost><HostProperties/></ReportHost>",
	       "names no host");
}

static void test_trivy(void **state _unused_)
{
	expect("trivy.json", SUT_SCAN_TRIVY,
	       "host fqdn=web1.example.org name=web1 os=debian 12.5 at=1795252272\n"
	       "finding CVE-2026-1004 [CVE-2026-1004] "
	       "title=kernel: forgets who asked \xe2\x80\x93 \"quoted\" "
	       "package=linux-image-6.1.0-18-amd64 version=6.1.76-1 fixed=6.1.170-3 "
	       "purl=pkg:deb/debian/linux-image-6.1.0-18-amd64@6.1.76-1?arch=amd64&distro=debian-12.5 "
	       "severity=high\n"
	       "finding TEMP-0000001-ABCDEF [] package=tar version=1.34+dfsg-1.2 "
	       "purl=pkg:deb/debian/tar@1.34?arch=amd64 severity=low\n"
	       "finding GHSA-abcd-efgh-ijkl [] title=something else package=stdlib version=1.20.1 "
	       "fixed=1.20.2, 1.19.9\n"
	       "end\n");
}

#define TRIVY(inside) "{\"SchemaVersion\":2," inside "}"
#define HOLE                                                                                       \
	"\"Results\":[{\"Vulnerabilities\":[{\"VulnerabilityID\":\"CVE-2026-1001\"},"              \
	"{\"VulnerabilityID\":\"CVE-2026-1002\"}]}]"
#define HOLES "finding CVE-2026-1001 [CVE-2026-1001]\nfinding CVE-2026-1002 [CVE-2026-1002]\nend\n"

static void test_trivy_in_any_order(void **state _unused_)
{
	expect_text(&detect, TRIVY(HOLE ",\"ArtifactName\":\"db1\""), "host name=db1\n" HOLES);
	expect_text(&detect,
		    TRIVY("\"ArtifactName\":\"db1\"," HOLE
			  ",\"Metadata\":{\"OS\":{\"Family\":\"debian\"}}"),
		    "host name=db1 os=debian\n" HOLES);
	/* Who imports it knows which system it is. */
	expect_text(&of_web1, TRIVY("\"ArtifactName\":\"/\",\"Metadata\":{}," HOLE),
		    "host system=S-1 name=web1 kernel=6.1.0-18-amd64\n" HOLES);
	expect_text(&of_web1, TRIVY("\"ArtifactName\":\"db1\",\"Results\":null"),
		    "host system=S-1 name=web1 kernel=6.1.0-18-amd64\nend\n");
}

static void test_what_is_not_trivy(void **state _unused_)
{
	struct sut_scan_opts f = forced(SUT_SCAN_TRIVY);

	refuse(&detect, TRIVY("\"ArtifactName\":\"/\"," HOLE), "names no host");
	refuse(&detect,
	       TRIVY("\"ArtifactName\":\"debian\",\"ArtifactType\":\"container_image\"," HOLE),
	       "names no host");
	refuse(&detect, "{\"SchemaVersion\":1}",
	       "line 1, column 19, at SchemaVersion: SchemaVersion is 1");
	refuse(&f, "{\"matches\":[]}", "is not of Trivy");
	refuse(&f, "[]", "this is no JSON object");
	refuse(&detect, "[{\"Target\":\"x\"}]", "JSON of another kind");
	refuse(&detect, "{\"bomFormat\":\"CycloneDX\"}", "CycloneDX");
	refuse(&detect, "{\"$schema\":\"x\",\"runs\":[]}", "SARIF");
	refuse(&detect, "{\"a\" 1}", "line 1, column 6: the JSON has no colon");
	refuse(&detect, TRIVY("\"Results\":[{\"Target\":?"),
	       "at Results.*.Target: the JSON has something else where a value should be");
	refuse(&detect, TRIVY("\"Results\":[\"\xff\"]"), "not UTF-8");
}

static void test_json_nested_deeply_is_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);

	assert_int_equal(sut_buf_addstr(&b, "{\"SchemaVersion\":2,\"Results\":"), 0);
	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(sut_buf_addstr(&b, "["), 0);
	refuse(&detect, sut_buf_str(&b), "nested too deeply");
}

static void test_grype(void **state _unused_)
{
	expect("grype.json", SUT_SCAN_GRYPE,
	       "host name=web1 os=debian 12 at=1795252272\n"
	       "finding CVE-2026-1001 [CVE-2026-1001] title=A shell expands what it should not "
	       "package=bash version=5.2.15-2+b2 fixed=5.2.15-2+deb12u1 "
	       "purl=pkg:deb/debian/bash@5.2.15-2%2Bb2?arch=amd64&distro=debian-12 severity=high\n"
	       "finding GHSA-abcd-efgh-ijkl [CVE-2026-20001 CVE-2026-20002] "
	       "package=golang.org/x/net version=v0.1.0 fixed=1.20.2 "
	       "purl=pkg:golang/golang.org/x/net@v0.1.0 severity=medium\n"
	       "finding CVE-2026-1003 [CVE-2026-1003] package=coreutils version=9.1-1 "
	       "severity=none\n"
	       "end\n");
}

static void test_what_is_not_grype(void **state _unused_)
{
	struct sut_scan_opts f = forced(SUT_SCAN_GRYPE);

	refuse(&f, "{}", "is not of Grype");
	refuse(&detect,
	       "{\"matches\":[],\"source\":{\"type\":\"image\",\"target\":{\"userInput\":\"debian\"}}}",
	       "names no host");
	refuse(&detect, "{\"matches\":[],\"source\":{\"type\":\"directory\",\"target\":\"/\"}}",
	       "names no host");
}

#define WEB1 "host fqdn=web1.example.org name=web1 ip=192.0.2.10\n"

static void test_csv(void **state _unused_)
{
	expect("scan.csv", SUT_SCAN_CSV,
	       WEB1 "finding 12345 [CVE-2026-1001] title=A shell, which expands \"too much\" "
		    "package=bash version=5.2.15-2 fixed=99.1-2 severity=high\n"
		    "finding CVE-2026-1002 [CVE-2026-1002 CVE-2026-1003 CVE-2026-1005] "
		    "title=two lines package=coreutils version=9.1-1 severity=medium\n"
		    "end\n"
		    "host name=db1 ip=192.0.2.11 ip=fd00::11\n"
		    "finding CVE-2026-1004 [CVE-2026-1004] package=linux version=6.1.76-1 "
		    "fixed=6.1.170-3 severity=critical\n"
		    "end\n" WEB1 "finding GHSA-abcd-efgh-ijkl [] package=stdlib version=1.20 "
		    "fixed=1.21\n"
		    "end\n"
		    "host ip=192.0.2.13\nend\n");
}

static void test_csv_separators_and_columns(void **state _unused_)
{
	expect_text(&detect, "cve;host\nCVE-2026-1001;a\n",
		    "host name=a\nfinding CVE-2026-1001 [CVE-2026-1001]\nend\n");
	expect_text(&detect,
		    "\"CVE ID\"\t\"machine-id\"\tmac\tsystem_id\n"
		    "CVE-2026-1001\t0123\t02-fc-00-00-00-01\tS-9",
		    "host system=S-9 machine=0123 mac=02:fc:00:00:00:01\n"
		    "finding CVE-2026-1001 [CVE-2026-1001]\nend\n");
	expect_text(&of_web1, "cve\nCVE-2026-1001\nCVE-2026-1002\n",
		    "host system=S-1 name=web1 kernel=6.1.0-18-amd64\n" HOLES);
	expect_text(&of_web1, "cve,host\n", "");
}

static void test_what_is_not_csv(void **state _unused_)
{
	struct sut_scan_opts f = forced(SUT_SCAN_CSV);

	refuse(&f, "host,package\na,b\n", "line 1: no column is called \"cve\"");
	refuse(&f, "", "is empty");
	refuse(&detect, "cve,host\nCVE-2026-1001,\n", "line 2: the row names no host");
	refuse(&detect, "cve,host\nCVE-2026-1001,a,b\n", "line 2: the row has more fields");
	refuse(&detect, "cve,host\n\"CVE-2026-1001,a\n", "line 2: a quote (\") is not closed");
	refuse(&detect, "cve,host\n\"CVE-2026-1001\"x,a\n", "line 2: something stands between");
	refuse(&detect, "what,ever\n", "has no format that is known");
}

static void test_csv_rows_are_bounded(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4 << 20);
	_cleanup_sample_scan_ struct sample_scan r = {0};
	size_t head;

	assert_int_equal(sut_buf_addstr(&b, "cve,host\n\""), 0);
	head = b.len;
	assert_int_equal(sut_buf_addzero(&b, SUT_SCAN_TOKEN_MAX + 9), 0);
	memset(b.data + head, 'x', b.len - head);
	sample_scan_run(&r, &detect, b.data, b.len, b.len, 0);
	assert_int_equal(r.result, -EFBIG);
	assert_says(r.err, "line 2: the row is longer than 1048576 bytes");
}

static void test_many_cves_of_one_finding(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4 << 20);

	for (unsigned int most = SUT_SCAN_CVES_MAX; most <= SUT_SCAN_CVES_MAX + 1; most++) {
		_cleanup_sample_scan_ struct sample_scan r = {0};

		b.len = 0;
		assert_int_equal(sut_buf_addstr(&b, "host,cve\na,\""), 0);
		for (unsigned int i = 0; i < most; i++) /* each twice */
			assert_int_equal(
				sut_buf_addf(&b, "CVE-2026-%u cve-2026-%u,", 10000 + i, 10000 + i),
				0);
		assert_int_equal(sut_buf_addstr(&b, "\"\n"), 0);
		sample_scan_run(&r, &detect, b.data, b.len, b.len, 0);
		if (most == SUT_SCAN_CVES_MAX) {
			assert_int_equal(r.result, 0);
			assert_int_equal(r.sum.cves, most);
		} else {
			assert_int_equal(r.result, -EFBIG);
			assert_says(r.err, "more than 4096 CVEs");
		}
	}
}

/* ---- all formats ---- */

static void pack(const void *data, size_t len, int level, struct sut_buf *ret)
{
	z_stream z = {.next_in = (void *)data, .avail_in = (uInt)len};
	int end;

	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	do {
		uint8_t out[4096];

		z.next_out = out;
		z.avail_out = sizeof(out);
		end = deflate(&z, Z_FINISH);
		assert_int_equal(sut_buf_add(ret, out, sizeof(out) - z.avail_out), 0);
	} while (end == Z_OK);
	deflateEnd(&z);
	assert_int_equal(end, Z_STREAM_END);
}

static void test_gzip(void **state _unused_)
{
	static const char *const files[] = {"oval.xml", "trivy.json", "debsecan-detail.txt",
					    "scan.csv"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(files); i++) {
		_cleanup_buf_ struct sut_buf b, z = SUT_BUF_INIT(1 << 20);
		_cleanup_sample_scan_ struct sample_scan plain = {0};

		sample_scan_file(files[i], &b);
		sample_scan_run(&plain, &of_web1, b.data, b.len, b.len, 0);
		/* Two that follow one another are one, as gzip says. */
		pack(b.data, b.len / 2, 9, &z);
		pack(b.data + b.len / 2, b.len - b.len / 2, 1, &z);
		expect_bytes(&of_web1, z.data, z.len, sut_buf_str(&plain.text));
		sample_scan_pieces(&of_web1, z.data, z.len);
	}
}

static void test_gzip_cut_or_damaged(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b, z = SUT_BUF_INIT(1 << 20);
	_cleanup_sample_scan_ struct sample_scan whole = {0};

	sample_scan_file("debsecan-detail.txt", &b);
	sample_scan_run(&whole, &of_web1, b.data, b.len, b.len, 0);
	pack(b.data, b.len, 9, &z);
	for (size_t n = 1; n < z.len; n++) {
		_cleanup_sample_scan_ struct sample_scan r = {0};

		sample_scan_run(&r, &of_web1, z.data, n, n, 0);
		assert_int_equal(r.result, -EBADMSG);
	}
	for (size_t i = 10; i < z.len; i++) {
		_cleanup_sample_scan_ struct sample_scan r = {0};

		z.data[i] ^= 0x20;
		sample_scan_run(&r, &of_web1, z.data, z.len, z.len, 0);
		/* What fills the last byte says nothing. */
		if (r.result == 0)
			assert_string_equal(sut_buf_str(&r.text), sut_buf_str(&whole.text));
		z.data[i] ^= 0x20;
	}
}

static void test_gzip_bomb(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(64 << 20), z = SUT_BUF_INIT(1 << 20);
	_cleanup_sample_scan_ struct sample_scan r = {0};

	assert_int_equal(sut_buf_addstr(&b, "cve,host\n"), 0);
	assert_int_equal(sut_buf_addzero(&b, 40 << 20), 0);
	memset(b.data + 9, '\n', b.len - 9);
	pack(b.data, b.len, 9, &z);
	sample_scan_run(&r, &detect, z.data, z.len, z.len, 0);
	assert_int_equal(r.result, -EFBIG);
	assert_says(r.err, "unpacks to more than 300 times its size");
}

static void test_forms_of_cve_ids(void **state _unused_)
{
	static const struct {
		const char *text, *id;
	} cases[] = {
		{"CVE-2026-1234", "CVE-2026-1234"},
		{"cve-1999-0001", "CVE-1999-0001"},
		{"CVE-2026-1234567890123456789", "CVE-2026-1234567890123456789"},
		{"CVE-2026-12345678901234567890", NULL},
		{"CVE-2026-123", NULL},
		{"CVE-2026-01234", NULL},
		{"CVE-2026-12a4", NULL},
		{"CVE-206-12344", NULL},
		{"CVE 2026-1234", NULL},
		{"CAN-2026-1234", NULL},
		{"", NULL},
	};
	char id[SUT_SCAN_CVE_MAX];

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		bool is_one = sut_scan_cve(cases[i].text, strlen(cases[i].text), id);

		assert_int_equal(is_one, cases[i].id != NULL);
		if (is_one)
			assert_string_equal(id, cases[i].id);
	}
}

static void test_kernels_in_names_of_packages(void **state _unused_)
{
	static const struct {
		const char *package, *release;
	} cases[] = {
		{"linux-image-6.1.0-18-amd64", "6.1.0-18-amd64"},
		{"linux-image-6.1.0-18-cloud-amd64-unsigned", "6.1.0-18-cloud-amd64"},
		{"linux-image-6.1.0-18-amd64-dbg", "6.1.0-18-amd64"},
		{"linux-image-unsigned-5.15.0-25-generic", "5.15.0-25-generic"},
		{"linux-modules-extra-5.15.0-25-generic:amd64", "5.15.0-25-generic"},
		{"linux-image-amd64", NULL},
		{"linux-headers-generic", NULL},
		{"linux-tools-6.1", NULL},
		{"linux-libc-dev", NULL},
		{"bash", NULL},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		size_t n = 0;
		const char *s = sut_scan_kernel_of(cases[i].package, &n);

		if (!cases[i].release) {
			assert_null(s);
			continue;
		}
		assert_int_equal(n, strlen(cases[i].release));
		assert_memory_equal(s, cases[i].release, n);
	}
}

static void test_times(void **state _unused_)
{
	assert_int_equal(scan_time("2026-11-22T23:09:41"), 1795388981);
	assert_int_equal(scan_time("2026-11-22T23:09:41Z"), 1795388981);
	assert_int_equal(scan_time("2026-11-23T00:09:41.123456+01:00"), 1795388981);
	assert_int_equal(scan_time("2026-11-22 18:09:41-0500"), 1795388981);
	assert_int_equal(scan_time("Sun Nov 22 23:09:41 2026"), 1795388981);
	assert_int_equal(scan_time("1795388981"), 1795388981);
	assert_int_equal(scan_time("yesterday"), 0);
	assert_int_equal(scan_time(""), 0);
	assert_int_equal(scan_time("0001-01-01T00:00:00Z"), 0);
}

static void test_names_and_addresses_of_hosts(void **state _unused_)
{
	struct scan_machine m = {0};
	struct sut_err err = {0};

	scan_machine_name(&m, "localhost.localdomain");
	scan_machine_name(&m, "192.0.2.1");
	scan_machine_name(&m, "-x");
	scan_machine_name(&m, "a b");
	assert_false(scan_machine_known(&m));
	scan_machine_name(&m, "DB1.Example.ORG.");
	assert_string_equal(m.fqdn, "db1.example.org");
	assert_string_equal(m.hostname, "db1");
	assert_ok(scan_machine_each(&m, "127.0.0.1 ::1, fe80::1%eth0 169.254.1.1;0.0.0.0 ::",
				    scan_machine_address, &err),
		  err);
	assert_int_equal(m.addresses.n, 0);
	assert_ok(scan_machine_each(&m, "192.0.2.1/24,2001:DB8:0::1 192.0.2.1 1.2.3",
				    scan_machine_address, &err),
		  err);
	assert_int_equal(m.addresses.n, 2);
	assert_string_equal(m.addresses.v[1], "2001:db8::1");
	assert_ok(scan_machine_each(&m, "00:00:00:00:00:00 FF-FF-FF-FF-FF-FF 02FC00000001 02:fc:0",
				    scan_machine_mac, &err),
		  err);
	assert_int_equal(m.macs.n, 1);
	assert_string_equal(m.macs.v[0], "02:fc:00:00:00:01");
	scan_machine_clear(&m);
}

static void test_names_of_formats(void **state _unused_)
{
	enum sut_scan_format f;

	for (int i = SUT_SCAN_OVAL; i < SUT_SCAN_FORMATS; i++) {
		assert_int_equal(sut_scan_format_parse(sut_scan_format_name(i), &f), 0);
		assert_int_equal(f, i);
	}
	assert_int_equal(sut_scan_format_parse("auto", &f), 0);
	assert_int_equal(f, SUT_SCAN_UNKNOWN);
	assert_int_equal(sut_scan_format_parse("unknown", &f), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nessus),
		cmocka_unit_test(test_what_is_not_nessus),
		cmocka_unit_test(test_trivy),
		cmocka_unit_test(test_trivy_in_any_order),
		cmocka_unit_test(test_what_is_not_trivy),
		cmocka_unit_test(test_json_nested_deeply_is_refused),
		cmocka_unit_test(test_grype),
		cmocka_unit_test(test_what_is_not_grype),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_csv_separators_and_columns),
		cmocka_unit_test(test_what_is_not_csv),
		cmocka_unit_test(test_csv_rows_are_bounded),
		cmocka_unit_test(test_many_cves_of_one_finding),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_gzip_cut_or_damaged),
		cmocka_unit_test(test_gzip_bomb),
		cmocka_unit_test(test_forms_of_cve_ids),
		cmocka_unit_test(test_kernels_in_names_of_packages),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_names_and_addresses_of_hosts),
		cmocka_unit_test(test_names_of_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
