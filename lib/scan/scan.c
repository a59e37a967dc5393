// SPDX-License-Identifier: Apache-2.0
#include "scan/scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "internal.h"

enum {
	BLOCK = 32 << 10,
	HEAD = 64 << 10,       /* what a format is detected by */
	RATIO_FROM = 16 << 20, /* unpacked bytes from which on SUT_SCAN_RATIO_MAX counts */
};

struct sut_scan {
	struct sut_scan_sink sink;
	struct sut_scan_summary sum;
	char *name;
	bool has_default;
	struct scan_machine fallback;
	const struct scan_reader *reader;
	void *state; /* of the reader */
	/* What was not given to the reader yet: until the format is known, the head of the file; then part of a block. */
	struct sut_buf pending;
	size_t block;
	bool host_open;
	bool sink_failed;
	int failed;
	char kernel[SUT_SCAN_ID_MAX + 1]; /* of the open host */
	uint8_t magic[2];		  /* the first bytes of the file */
	size_t nmagic;
	enum { PACKED_UNKNOWN, PACKED_NOT, PACKED_GZIP } packed;
	bool z_begun, z_ended;
	uint64_t z_in;
	z_stream z;
};

int scan_bad(struct sut_err *err, const char *fmt, ...)
{
	char what[SUT_ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return sut_err_reason(err, EBADMSG, "scan", "%s", what);
}

int scan_big(struct sut_err *err, const char *fmt, ...)
{
	char what[SUT_ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return sut_err_reason(err, EFBIG, "scan", "%s", what);
}

static const char *const format_names[SUT_SCAN_FORMATS] = {
	[SUT_SCAN_UNKNOWN] = "unknown", [SUT_SCAN_OVAL] = "oval",
	[SUT_SCAN_ARF] = "arf",		[SUT_SCAN_TRIVY] = "trivy",
	[SUT_SCAN_GRYPE] = "grype",	[SUT_SCAN_DEBSECAN] = "debsecan",
	[SUT_SCAN_NESSUS] = "nessus",	[SUT_SCAN_CSV] = "csv",
};

static const struct scan_reader *const readers[SUT_SCAN_FORMATS] = {
	[SUT_SCAN_OVAL] = &scan_reader_oval,	     [SUT_SCAN_ARF] = &scan_reader_oval,
	[SUT_SCAN_TRIVY] = &scan_reader_trivy,	     [SUT_SCAN_GRYPE] = &scan_reader_grype,
	[SUT_SCAN_DEBSECAN] = &scan_reader_debsecan, [SUT_SCAN_NESSUS] = &scan_reader_nessus,
	[SUT_SCAN_CSV] = &scan_reader_csv,
};

const char *sut_scan_format_name(enum sut_scan_format f)
{
	return (size_t)f < SUT_SCAN_FORMATS ? format_names[f] : format_names[0];
}

int sut_scan_format_parse(const char *name, enum sut_scan_format *ret)
{
	if (sut_streq(name, "auto")) {
		*ret = SUT_SCAN_UNKNOWN;
		return 0;
	}
	for (size_t i = SUT_SCAN_UNKNOWN + 1; i < SUT_SCAN_FORMATS; i++)
		if (sut_streq(name, format_names[i])) {
			*ret = (enum sut_scan_format)i;
			return 0;
		}
	return -EINVAL;
}

struct sut_scan_summary *scan_summary(struct sut_scan *s)
{
	return &s->sum;
}

bool scan_has_default_host(const struct sut_scan *s)
{
	return s->has_default;
}

void scan_set_block(struct sut_scan *s, size_t n)
{
	s->block = n;
}

/* ---- to the sink ---- */

static int from_sink(struct sut_scan *s, int r)
{
	if (r < 0)
		s->sink_failed = true;
	return r < 0 ? r : 0;
}

static const char *or_null(const char *s)
{
	return *s ? s : NULL;
}

int scan_give_host_end(struct sut_scan *s, struct sut_err *err)
{
	if (!s->host_open)
		return 0;
	s->host_open = false;
	s->kernel[0] = 0;
	return s->sink.host_end ? from_sink(s, s->sink.host_end(s->sink.ctx, err)) : 0;
}

int scan_give_host(struct sut_scan *s, const struct scan_machine *m, struct sut_err *err)
{
	struct sut_scan_host h = {
		.system_id = or_null(m->system_id),
		.machine_id = or_null(m->machine_id),
		.fqdn = or_null(m->fqdn),
		.hostname = or_null(m->hostname),
		.os = or_null(m->os),
		.kernel = or_null(m->kernel),
		.addresses = (const char *const *)m->addresses.v,
		.naddresses = m->addresses.n,
		.macs = (const char *const *)m->macs.v,
		.nmacs = m->macs.n,
		.scanned_at = m->scanned_at,
	};
	int r = scan_give_host_end(s, err);

	if (r < 0)
		return r;
	if (h.scanned_at > s->sum.scanned_at)
		s->sum.scanned_at = h.scanned_at;
	memcpy(s->kernel, m->kernel, sizeof(s->kernel));
	s->host_open = true;
	s->sum.hosts++;
	return from_sink(s, s->sink.host(s->sink.ctx, &h, err));
}

static void fill(char *out, const char *from)
{
	if (!*out)
		memcpy(out, from, strlen(from) + 1);
}

int scan_give_default_host(struct sut_scan *s, const struct scan_machine *known,
			   struct sut_err *err)
{
	if (!s->has_default)
		return scan_bad(err, "names no host: say which system it is of");
	/* What the file says of it besides. */
	if (known) {
		fill(s->fallback.os, known->os);
		fill(s->fallback.kernel, known->kernel);
		if (known->scanned_at)
			s->fallback.scanned_at = known->scanned_at;
	}
	return scan_give_host(s, &s->fallback, err);
}

/* Is it of a kernel that is installed, while another one runs? */
static bool is_not_running(const struct sut_scan *s, const char *package, const char *version)
{
	static const char *const rpms[] = {"kernel", "kernel-core", "kernel-modules", "kernel-uek"};
	const char *release, *epoch;
	size_t n;

	if (!s->kernel[0] || !package)
		return false;
	release = sut_scan_kernel_of(package, &n);
	if (release)
		return strlen(s->kernel) != n || memcmp(release, s->kernel, n) != 0;
	/* Of these, several versions are installed at a time, and the release is the version and the architecture. */
	if (!version || !strstr(version, ".el"))
		return false;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(rpms); i++) {
		if (strcmp(package, rpms[i]) != 0)
			continue;
		epoch = strchr(version, ':');
		version = epoch ? epoch + 1 : version;
		n = strlen(version);
		return strncmp(s->kernel, version, n) != 0 || (s->kernel[n] && s->kernel[n] != '.');
	}
	return false;
}

static int give(struct sut_scan *s, struct sut_scan_finding *f, struct sut_err *err)
{
	if (is_not_running(s, f->package, f->version))
		f->flags |= SUT_SCAN_NOT_RUNNING;
	s->sum.findings++;
	s->sum.cves += f->ncves;
	s->sum.without_cve += f->ncves == 0;
	return from_sink(s, s->sink.finding(s->sink.ctx, f, err));
}

int scan_give(struct sut_scan *s, const struct scan_found *f, struct sut_err *err)
{
	_cleanup_(sut_freep) const char **cves = NULL;
	struct sut_scan_finding out = {
		.native_id = or_null(f->id),
		.title = or_null(f->title),
		.ncves = f->ncves,
		.package = or_null(f->package),
		.version = or_null(f->version),
		.fixed_version = or_null(f->fixed),
		.purl = or_null(f->purl),
		.severity = f->severity,
	};

	cves = calloc(f->ncves + 1, sizeof(void *));
	if (!cves)
		return sut_err_oom(err);
	for (size_t i = 0; i < f->ncves; i++)
		cves[i] = f->cves[i];
	out.cves = cves;
	return give(s, &out, err);
}

int scan_give_kept(struct sut_scan *s, const struct scan_kept *k, const char *version,
		   struct sut_err *err)
{
	_cleanup_(sut_freep) const char **cves = calloc(k->ncves + (size_t)1, sizeof(void *));
	const char *field[6], *at = k->strings;
	struct sut_scan_finding out;

	if (!cves)
		return sut_err_oom(err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(field); i++) {
		field[i] = or_null(at);
		at += strlen(at) + 1;
	}
	for (size_t i = 0; i < k->ncves; i++) {
		cves[i] = at;
		at += strlen(at) + 1;
	}
	out = (struct sut_scan_finding){
		.native_id = field[0],
		.title = field[1],
		.package = field[2],
		.version = version ? version : field[3],
		.fixed_version = field[4],
		.purl = field[5],
		.cves = cves,
		.ncves = k->ncves,
		.severity = (enum sut_scan_severity)k->severity,
	};
	return give(s, &out, err);
}

/* ---- from the file ---- */

int sut_scan_open(const struct sut_scan_opts *o, const struct sut_scan_sink *sink,
		  struct sut_scan **ret, struct sut_err *err)
{
	_cleanup_scan_ struct sut_scan *s = calloc(1, sizeof(*s));
	char name[SUT_SCAN_ID_MAX + 1] = "";
	int r;

	if (!s)
		return sut_err_oom(err);
	if ((size_t)o->format >= SUT_SCAN_FORMATS)
		return sut_err_set(err, EINVAL, "there is no scan format %d", (int)o->format);
	s->sink = *sink;
	s->sum.format = o->format;
	s->block = BLOCK;
	s->pending = SUT_BUF_INIT(HEAD + BLOCK);
	if (o->name)
		scan_text(name, sizeof(name), o->name, strlen(o->name));
	s->name = strdup(*name ? name : "the scan");
	if (!s->name)
		return sut_err_oom(err);
	if (o->host) {
		s->has_default = true;
		r = scan_machine_copy(&s->fallback, o->host, err);
		if (r < 0)
			return r;
	}
	*ret = sut_steal(s);
	return 0;
}

void sut_scan_free(struct sut_scan *s)
{
	if (!s)
		return;
	if (s->state)
		s->reader->free(s->state);
	if (s->z_begun)
		inflateEnd(&s->z);
	scan_machine_clear(&s->fallback);
	sut_buf_release(&s->pending);
	free(s->name);
	free(s);
}

void sut_scan_freep(struct sut_scan **s)
{
	sut_scan_free(*s);
}

/* Gives whole blocks to the reader; all of it when is_last. */
static int drain(struct sut_scan *s, bool is_last, struct sut_err *err)
{
	size_t at = 0;

	while (s->pending.len - at >= s->block || (is_last && s->pending.len > at)) {
		size_t n = s->pending.len - at;
		int r;

		n = n < s->block ? n : s->block;
		r = s->reader->feed(s->state, (const char *)s->pending.data + at, n, err);
		if (r < 0)
			return r;
		at += n;
	}
	if (at) {
		memmove(s->pending.data, s->pending.data + at, s->pending.len - at);
		s->pending.len -= at;
	}
	return 0;
}

static int begin(struct sut_scan *s, struct sut_err *err)
{
	const char *head = sut_buf_str(&s->pending);
	size_t len = s->pending.len;
	int r;

	if (len >= 2 && (!memcmp(head, "\xff\xfe", 2) || !memcmp(head, "\xfe\xff", 2) ||
			 (!head[0] && head[1]) || (head[0] && !head[1])))
		return scan_bad(err, "is UTF-16 or binary: convert it to UTF-8, and its first line "
				     "too when it names the encoding");
	if (len >= 3 && !memcmp(head, "\xef\xbb\xbf", 3)) {
		memmove(s->pending.data, s->pending.data + 3, len - 3 + 1);
		s->pending.len -= 3;
	}
	if (s->sum.format == SUT_SCAN_UNKNOWN) {
		r = scan_detect(sut_buf_str(&s->pending), s->pending.len, &s->sum.format, err);
		if (r < 0)
			return r;
	}
	s->reader = readers[s->sum.format];
	s->state = s->reader->create(s);
	return s->state ? 0 : sut_err_oom(err);
}

static int plain(struct sut_scan *s, const uint8_t *bytes, size_t len, struct sut_err *err)
{
	s->sum.bytes += len;
	if (s->sum.bytes > (uint64_t)SUT_SCAN_BYTES_MAX)
		return scan_big(err, "is larger than %lld bytes, unpacked: divide it",
				(long long)SUT_SCAN_BYTES_MAX);
	while (len) {
		size_t room = (s->reader ? s->block : HEAD) - s->pending.len;
		size_t n = len < room ? len : room;
		int r = sut_buf_add(&s->pending, bytes, n);

		if (r < 0)
			return sut_err_oom(err);
		bytes += n;
		len -= n;
		if (n < room)
			break;
		r = s->reader ? 0 : begin(s, err);
		if (r == 0)
			r = drain(s, false, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int unpack(struct sut_scan *s, const uint8_t *bytes, size_t len, struct sut_err *err)
{
	uint8_t out[BLOCK];

	if (!s->z_begun) {
		if (inflateInit2(&s->z, MAX_WBITS + 16) != Z_OK)
			return sut_err_oom(err);
		s->z_begun = true;
	}
	s->z_in += len;
	s->z.next_in = (void *)bytes;
	s->z.avail_in = (uInt)len;
	for (;;) {
		int end, r;

		if (s->z_ended) { /* several may follow one another */
			if (!s->z.avail_in)
				return 0;
			if (inflateReset(&s->z) != Z_OK)
				return sut_err_oom(err);
			s->z_ended = false;
		}
		s->z.next_out = out;
		s->z.avail_out = sizeof(out);
		end = inflate(&s->z, Z_NO_FLUSH);
		if (end == Z_MEM_ERROR)
			return sut_err_oom(err);
		if (end == Z_BUF_ERROR)
			return 0; /* wants more */
		if (end != Z_OK && end != Z_STREAM_END)
			return scan_bad(err, "the gzip file is damaged at byte %llu: send it again",
					(unsigned long long)(s->z_in - s->z.avail_in));
		s->z_ended = end == Z_STREAM_END;
		r = plain(s, out, sizeof(out) - s->z.avail_out, err);
		if (r < 0)
			return r;
		if (s->sum.bytes > RATIO_FROM && s->sum.bytes / SUT_SCAN_RATIO_MAX > s->z_in)
			return scan_big(err,
					"unpacks to more than %d times its size: send it unpacked",
					SUT_SCAN_RATIO_MAX);
	}
}

static int pass(struct sut_scan *s, const uint8_t *bytes, size_t len, struct sut_err *err)
{
	if (!len)
		return 0;
	return s->packed == PACKED_GZIP ? unpack(s, bytes, len, err) : plain(s, bytes, len, err);
}

static int feed(struct sut_scan *s, const uint8_t *bytes, size_t len, struct sut_err *err)
{
	while (s->packed == PACKED_UNKNOWN && len) {
		s->magic[s->nmagic++] = *bytes++;
		len--;
		if (s->nmagic == 2) {
			s->packed = memcmp(s->magic, "\x1f\x8b", 2) ? PACKED_NOT : PACKED_GZIP;
			int r = pass(s, s->magic, 2, err);

			if (r < 0)
				return r;
		}
	}
	while (len) {
		size_t n = len < (1 << 30) ? len : 1 << 30;
		int r = pass(s, bytes, n, err);

		if (r < 0)
			return r;
		bytes += n;
		len -= n;
	}
	return 0;
}

static int finish(struct sut_scan *s, struct sut_err *err)
{
	int r = 0;

	if (s->packed == PACKED_UNKNOWN && s->nmagic)
		r = plain(s, s->magic, s->nmagic, err);
	if (r == 0 && s->packed == PACKED_GZIP && !s->z_ended)
		r = scan_bad(err, "the gzip file was cut off: send it again, whole");
	if (r == 0 && !s->reader)
		r = begin(s, err);
	if (r == 0)
		r = drain(s, true, err);
	if (r == 0)
		r = s->reader->finish(s->state, err);
	return r < 0 ? r : scan_give_host_end(s, err);
}

/* Puts the name of the file before what is wrong with it. */
static int outcome(struct sut_scan *s, int r, struct sut_err *err)
{
	if (r >= 0)
		return 0;
	s->failed = r;
	if (!s->sink_failed && r != -ENOMEM)
		sut_err_prefix(err, "%s", s->name);
	return r;
}

static int refused(struct sut_err *err)
{
	return sut_err_set(err, EINVAL, "the import of this scan has ended: begin another one");
}

int sut_scan_feed(struct sut_scan *s, const void *bytes, size_t len, struct sut_err *err)
{
	if (s->failed)
		return refused(err);
	return outcome(s, feed(s, bytes, len, err), err);
}

int sut_scan_finish(struct sut_scan *s, struct sut_scan_summary *ret, struct sut_err *err)
{
	int r;

	if (s->failed)
		return refused(err);
	r = outcome(s, finish(s, err), err);
	if (r < 0)
		return r;
	s->failed = -EINVAL;
	*ret = s->sum;
	return 0;
}

int sut_scan_read_fd(int fd, const struct sut_scan_opts *o, const struct sut_scan_sink *sink,
		     struct sut_scan_summary *ret, struct sut_err *err)
{
	_cleanup_scan_ struct sut_scan *s = NULL;
	uint8_t bytes[BLOCK];
	int r = sut_scan_open(o, sink, &s, err);

	while (r == 0) {
		ssize_t n = read(fd, bytes, sizeof(bytes));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sut_err_errno(err, "cannot read %s", s->name);
		if (n == 0)
			return sut_scan_finish(s, ret, err);
		r = sut_scan_feed(s, bytes, (size_t)n, err);
	}
	return r;
}
