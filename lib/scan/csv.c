// SPDX-License-Identifier: Apache-2.0
/*
 * CSV (RFC 4180), with commas, semicolons or tabs. The first row names the columns: in any order, of which only cve has to be there.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum { COLUMNS_MAX = 256 };

enum column {
	IGNORED,
	SYSTEM_ID,
	MACHINE_ID,
	FQDN,
	HOST,
	IP,
	MAC,
	OS,
	KERNEL,
	CVE,
	PACKAGE,
	VERSION,
	FIXED,
	PURL,
	SEVERITY,
	TITLE,
	ID,
};

/* Names in lower case, without anything but letters */
static const struct {
	const char *name;
	enum column column;
} names[] = {
	{"systemid", SYSTEM_ID},
	{"system", SYSTEM_ID},
	{"machineid", MACHINE_ID},
	{"fqdn", FQDN},
	{"dnsname", FQDN},
	{"dns", FQDN},
	{"host", HOST},
	{"hostname", HOST},
	{"asset", HOST},
	{"server", HOST},
	{"ip", IP},
	{"ipaddress", IP},
	{"ipv", IP},
	{"address", IP},
	{"mac", MAC},
	{"macaddress", MAC},
	{"os", OS},
	{"operatingsystem", OS},
	{"kernel", KERNEL},
	{"kernelrelease", KERNEL},
	{"cve", CVE},
	{"cves", CVE},
	{"cveid", CVE},
	{"cveids", CVE},
	{"package", PACKAGE},
	{"packagename", PACKAGE},
	{"version", VERSION},
	{"installedversion", VERSION},
	{"packageversion", VERSION},
	{"fixedversion", FIXED},
	{"fixversion", FIXED},
	{"fixed", FIXED},
	{"fixedin", FIXED},
	{"purl", PURL},
	{"severity", SEVERITY},
	{"risk", SEVERITY},
	{"title", TITLE},
	{"name", TITLE},
	{"summary", TITLE},
	{"id", ID},
	{"pluginid", ID},
	{"findingid", ID},
	{"qid", ID},
};

struct csv {
	struct sut_scan *s;
	struct sut_buf row; /* fields, each with a NUL behind it */
	size_t nfields;
	enum { FIELD_START, UNQUOTED, QUOTED, QUOTE_IN_QUOTED } state;

	bool has_row;	      /* something of the row was read */
	char delimiter;	      /* 0: not known yet */
	uint64_t line, begun; /* of the present byte, of the row */
	bool has_header;
	enum column columns[COLUMNS_MAX];
	size_t ncolumns;
	struct scan_found f;
	struct scan_machine m;
	struct sut_buf key, present; /* what the row and the open host are identified by */
	bool is_open;
};

static int bad(const struct csv *c, struct sut_err *err, const char *what)
{
	return scan_bad(err, "line %llu: %s", (unsigned long long)c->begun, what);
}

static enum column column_of(const char *field)
{
	char name[40];
	size_t n = 0;

	for (; *field && n < sizeof(name) - 1; field++)
		if (isalpha((unsigned char)*field))
			name[n++] = (char)tolower((unsigned char)*field);
	name[n] = 0;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i].name))
			return names[i].column;
	return IGNORED;
}

static int header(struct csv *c, struct sut_err *err)
{
	const char *at = sut_buf_str(&c->row);
	unsigned int seen = 0;

	for (size_t i = 0; i < c->nfields; i++) {
		enum column column = column_of(at);

		/* Of two of one kind the first counts: "Name" behind "Title". Of addresses, all. */
		if (column != IP && column != MAC && seen & 1u << column)
			column = IGNORED;
		seen |= 1u << column;
		c->columns[i] = column;
		at += strlen(at) + 1;
	}
	c->ncolumns = c->nfields;
	c->has_header = true;
	if (!(seen & 1u << CVE))
		return bad(
			c, err,
			"no column is called \"cve\": let the first line name the columns, such as "
			"host,cve,package,version,severity");
	return 0;
}

static int take_field(struct csv *c, enum column column, const char *s, struct sut_err *err)
{
	size_t n = strlen(s);
	int r;

	switch (column) {
	case SYSTEM_ID:
		scan_text(c->m.system_id, sizeof(c->m.system_id), s, n);
		break;
	case MACHINE_ID:
		scan_text(c->m.machine_id, sizeof(c->m.machine_id), s, n);
		break;
	case FQDN:
		scan_machine_name(&c->m, s);
		break;
	case HOST: /* many tools put an address there */
		scan_machine_name(&c->m, s);
		return scan_machine_each(&c->m, s, scan_machine_address, err);
	case IP:
		return scan_machine_each(&c->m, s, scan_machine_address, err);
	case MAC:
		return scan_machine_each(&c->m, s, scan_machine_mac, err);
	case OS:
		scan_text(c->m.os, sizeof(c->m.os), s, n);
		break;
	case KERNEL:
		scan_text(c->m.kernel, sizeof(c->m.kernel), s, n);
		break;
	case CVE:
		r = scan_found_cves(&c->f, s, err);
		if (r < 0)
			return r;
		if (!c->f.id[0] && !c->f.ncves) /* GHSA-…, TEMP-… */
			scan_text(c->f.id, sizeof(c->f.id), s, n);
		break;
	case PACKAGE:
		scan_text(c->f.package, sizeof(c->f.package), s, n);
		break;
	case VERSION:
		scan_text(c->f.version, sizeof(c->f.version), s, n);
		break;
	case FIXED:
		scan_text(c->f.fixed, sizeof(c->f.fixed), s, n);
		break;
	case PURL:
		scan_text(c->f.purl, sizeof(c->f.purl), s, n);
		break;
	case SEVERITY:
		c->f.severity = scan_severity(s);
		break;
	case TITLE:
		scan_text(c->f.title, sizeof(c->f.title), s, n);
		break;
	case ID:
		if (*s)
			scan_text(c->f.id, sizeof(c->f.id), s, n);
		break;
	case IGNORED:
		break;
	}
	return 0;
}

static int identify(struct csv *c, struct sut_err *err)
{
	const char *const parts[] = {c->m.system_id, c->m.machine_id, c->m.fqdn, c->m.hostname};
	int r = 0;

	c->key.len = 0;
	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(parts); i++)
		r = sut_buf_addf(&c->key, "%s\n", parts[i]);
	for (size_t i = 0; r == 0 && i < c->m.addresses.n; i++)
		r = sut_buf_addf(&c->key, "%s\n", c->m.addresses.v[i]);
	for (size_t i = 0; r == 0 && i < c->m.macs.n; i++)
		r = sut_buf_addf(&c->key, "%s\n", c->m.macs.v[i]);
	return r < 0 ? sut_err_oom(err) : 0;
}

/* Opens the host of the row unless it is the one that is open. */
static int host(struct csv *c, struct sut_err *err)
{
	struct sut_buf other;
	int r = identify(c, err);

	if (r < 0)
		return r;
	if (c->is_open && !strcmp(sut_buf_str(&c->key), sut_buf_str(&c->present)))
		return 0;
	if (scan_machine_known(&c->m))
		r = scan_give_host(c->s, &c->m, err);
	else if (scan_has_default_host(c->s))
		r = scan_give_default_host(c->s, &c->m, err);
	else
		r = bad(c, err,
			"the row names no host: let a column host, fqdn, ip, system_id or machine_id do "
			"it, or say which system the file is of");
	c->is_open = true;
	other = c->present;
	c->present = c->key;
	c->key = other;
	return r;
}

static int row(struct csv *c, struct sut_err *err)
{
	const char *at = sut_buf_str(&c->row);
	int r = 0;

	scan_found_clear(&c->f);
	scan_machine_clear(&c->m);
	if (c->nfields > c->ncolumns)
		return bad(
			c, err,
			"the row has more fields than the first line has columns: put fields that "
			"contain the separator into quotes");
	for (size_t i = 0; r == 0 && i < c->nfields; i++) {
		r = take_field(c, c->columns[i], at, err);
		at += strlen(at) + 1;
	}
	if (r == 0)
		r = host(c, err);
	if (r < 0)
		return r;
	/* A row that only names a host says that it was scanned. */
	if (!c->f.ncves && !c->f.id[0] && !c->f.title[0] && !c->f.package[0])
		return 0;
	if (!c->f.id[0] && c->f.ncves)
		memcpy(c->f.id, c->f.cves[0], sizeof(c->f.cves[0]));
	return scan_give(c->s, &c->f, err);
}

static int end_row(struct csv *c, struct sut_err *err)
{
	int r = 0;

	if (c->has_row) {
		if (sut_buf_add(&c->row, "", 1) == -ENOMEM)
			return sut_err_oom(err);
		c->nfields++;
		r = c->has_header ? row(c, err) : header(c, err);
	}
	c->row.len = c->nfields = 0;
	c->has_row = false;
	c->state = FIELD_START;
	return r;
}

static int add(struct csv *c, char b, struct sut_err *err)
{
	int r = sut_buf_add(&c->row, &b, 1);

	if (r == -ENOBUFS)
		return scan_big(
			err,
			"line %llu: the row is longer than %d bytes: is there a quote (\") that is "
			"not closed?",
			(unsigned long long)c->begun, SUT_SCAN_TOKEN_MAX);
	return r < 0 ? sut_err_oom(err) : 0;
}

static int next_field(struct csv *c, struct sut_err *err)
{
	if (++c->nfields >= COLUMNS_MAX)
		return bad(c, err, "more than 256 columns");
	c->state = FIELD_START;
	return add(c, 0, err);
}

static int byte(struct csv *c, char b, struct sut_err *err)
{
	if (!c->has_row) {
		c->begun = c->line;
		c->has_row = b != '\n' && b != '\r';
	}
	if (b == 0)
		return bad(c, err,
			   "a byte of 0: this is no text. If it is UTF-16, convert it to UTF-8");
	if (!c->delimiter && c->state != QUOTED && (b == ',' || b == ';' || b == '\t'))
		c->delimiter = b;
	switch (c->state) {
	case FIELD_START:
		if (b == '"') {
			c->state = QUOTED;
			return 0;
		}
		c->state = UNQUOTED;
		/* fall through */
	case UNQUOTED:
		break;
	case QUOTED:
		if (b == '"') {
			c->state = QUOTE_IN_QUOTED;
			return 0;
		}
		return add(c, b, err);
	case QUOTE_IN_QUOTED:
		if (b == '"') {
			c->state = QUOTED;
			return add(c, b, err);
		}
		if (b != '\n' && b != '\r' && b != c->delimiter)
			return bad(
				c, err,
				"something stands between a closing quote and the separator: write a "
				"quote inside of a field twice");
		break;
	}
	if (b == '\n')
		return end_row(c, err);
	if (b == c->delimiter)
		return next_field(c, err);
	return b == '\r' ? 0 : add(c, b, err);
}

static void *create(struct sut_scan *s)
{
	struct csv *c = calloc(1, sizeof(*c));

	if (c) {
		c->s = s;
		c->line = 1;
		c->row = SUT_BUF_INIT(SUT_SCAN_TOKEN_MAX);
		c->key = SUT_BUF_INIT(64 << 10);
		c->present = SUT_BUF_INIT(64 << 10);
	}
	return c;
}

static void destroy(void *ctx)
{
	struct csv *c = ctx;

	sut_buf_release(&c->row);
	sut_buf_release(&c->key);
	sut_buf_release(&c->present);
	scan_found_release(&c->f);
	scan_machine_clear(&c->m);
	free(c);
}

static int feed(void *ctx, const char *bytes, size_t len, struct sut_err *err)
{
	struct csv *c = ctx;

	for (size_t i = 0; i < len; i++) {
		int r = byte(c, bytes[i], err);

		if (r < 0)
			return r;
		c->line += bytes[i] == '\n';
	}
	return 0;
}

static int finish(void *ctx, struct sut_err *err)
{
	struct csv *c = ctx;
	int r;

	if (c->state == QUOTED)
		return bad(c, err,
			   "a quote (\") is not closed: the file was cut off, or a quote inside of "
			   "a field is not written twice");
	r = end_row(c, err);
	if (r == 0 && !c->has_header)
		return scan_bad(err, "is empty: the first line has to name the columns");
	return r;
}

const struct scan_reader scan_reader_csv = {create, feed, finish, destroy};
