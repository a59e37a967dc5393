// SPDX-License-Identifier: Apache-2.0
#include "xml.h"

#include <errno.h>
#include <expat.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct xml {
	XML_Parser parser;
	const struct xml_reader *reader;
	void *ctx;
	size_t depth;
	char names[SUT_SCAN_DEPTH_MAX + 1][XML_NAME_MAX]; /* from 1 */
	size_t want; /* depth of the element whose text is collected; 0: none */
	char text[XML_TEXT_MAX + 1];
	size_t text_len;
	XML_Index fed; /* bytes */
	int failed;
	struct sut_err *err; /* during a call */
};

static void stop(struct xml *x, int r)
{
	if (x->failed == 0)
		x->failed = r;
	XML_StopParser(x->parser, XML_FALSE);
}

void xml_where(const struct xml *x, struct sut_buf *out)
{
	int r = sut_buf_addf(out, "line %lu, column %lu",
			     (unsigned long)XML_GetCurrentLineNumber(x->parser),
			     (unsigned long)XML_GetCurrentColumnNumber(x->parser) + 1);

	for (size_t i = 1; r == 0 && i <= x->depth; i++)
		r = sut_buf_addf(out, "%s%s", i == 1 ? ", in " : "/", x->names[i]);
	(void)r; /* a long path is cut */
}

int xml_bad(const struct xml *x, struct sut_err *err, const char *fmt, ...)
{
	_cleanup_buf_ struct sut_buf where = SUT_BUF_INIT(512);
	char what[512];
	va_list ap;

	xml_where(x, &where);
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return scan_bad(err, "%s: %s", sut_buf_str(&where), what);
}

static const char *local(const char *name)
{
	const char *colon = strchr(name, ':');

	return colon && colon[1] ? colon + 1 : name;
}

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **attrs)
{
	struct xml *x = ctx;
	int r;

	if (x->failed)
		return;
	name = local(name);
	if (x->depth == SUT_SCAN_DEPTH_MAX) {
		stop(x,
		     xml_bad(x, x->err, "elements are nested deeper than %d: no scanner does that",
			     SUT_SCAN_DEPTH_MAX));
		return;
	}
	x->depth++;
	scan_text(x->names[x->depth], XML_NAME_MAX, name, strlen(name));
	r = x->reader->start(x->ctx, x, x->names[x->depth], attrs, x->err);
	if (r < 0)
		stop(x, r);
}

static void XMLCALL on_end(void *ctx, const XML_Char *name _unused_)
{
	struct xml *x = ctx;
	char text[XML_TEXT_MAX + 1] = "";
	int r;

	if (x->failed)
		return;
	if (x->want == x->depth) {
		scan_text(text, sizeof(text), x->text, x->text_len);
		x->want = 0;
	}
	r = x->reader->end(x->ctx, x, x->names[x->depth], text, x->err);
	if (r < 0)
		stop(x, r);
	else
		x->depth--;
}

static void XMLCALL on_text(void *ctx, const XML_Char *s, int len)
{
	struct xml *x = ctx;
	size_t n = (size_t)len;

	if (!x->want || x->failed)
		return;
	if (n > XML_TEXT_MAX - x->text_len)
		n = XML_TEXT_MAX - x->text_len;
	memcpy(x->text + x->text_len, s, n);
	x->text_len += n;
}

static void XMLCALL on_doctype(void *ctx, const XML_Char *name _unused_,
			       const XML_Char *sysid _unused_, const XML_Char *pubid _unused_,
			       int internal _unused_)
{
	struct xml *x = ctx;

	if (!x->failed)
		stop(x, xml_bad(x, x->err,
				"a document type (<!DOCTYPE) is not accepted, since it may define "
				"entities: no scanner writes one. Remove it"));
}

static void XMLCALL on_declaration(void *ctx, const XML_Char *version _unused_,
				   const XML_Char *encoding, int standalone _unused_)
{
	struct xml *x = ctx;

	if (!encoding || x->failed || !strcasecmp(encoding, "utf-8") ||
	    !strcasecmp(encoding, "us-ascii") || !strcasecmp(encoding, "ascii") ||
	    !strcasecmp(encoding, "iso-8859-1"))
		return;
	stop(x, xml_bad(x, x->err,
			"the encoding \"%.40s\" is not read: convert the file to UTF-8, and its "
			"first line too",
			encoding));
}

static int XMLCALL on_encoding(void *ctx _unused_, const XML_Char *name, XML_Encoding *info)
{
	/* "ASCII", which expat knows under its other name only */
	if (strcasecmp(name, "ascii") != 0)
		return XML_STATUS_ERROR;
	for (int i = 0; i < 256; i++)
		info->map[i] = i < 128 ? i : -1;
	info->data = NULL;
	info->convert = NULL;
	info->release = NULL;
	return XML_STATUS_OK;
}

int xml_create(const struct xml_reader *reader, void *ctx, struct xml **ret)
{
	struct xml *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->parser = XML_ParserCreate(NULL);
	if (!x->parser) {
		free(x);
		return -ENOMEM;
	}
	x->reader = reader;
	x->ctx = ctx;
	XML_SetUserData(x->parser, x);
	XML_SetElementHandler(x->parser, on_start, on_end);
	XML_SetCharacterDataHandler(x->parser, on_text);
	XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
	XML_SetXmlDeclHandler(x->parser, on_declaration);
	XML_SetUnknownEncodingHandler(x->parser, on_encoding, NULL);
	*ret = x;
	return 0;
}

void xml_free(struct xml *x)
{
	if (!x)
		return;
	XML_ParserFree(x->parser);
	free(x);
}

static int failure(struct xml *x, struct sut_err *err)
{
	enum XML_Error e = XML_GetErrorCode(x->parser);

	if (x->failed)
		return x->failed;
	switch (e) {
	case XML_ERROR_NO_MEMORY:
		return x->failed = sut_err_oom(err);
	case XML_ERROR_NO_ELEMENTS:
	case XML_ERROR_UNCLOSED_TOKEN:
	case XML_ERROR_UNCLOSED_CDATA_SECTION:
	case XML_ERROR_PARTIAL_CHAR:
		return x->failed = xml_bad(
			       x, err,
			       "the file ends in the middle: it was cut off. Send it again, whole");
	default:
		return x->failed = xml_bad(
			       x, err,
			       "the XML is broken (%s): send the file as the scanner wrote it",
			       XML_ErrorString(e));
	}
}

static int parse(struct xml *x, const char *bytes, size_t len, bool is_last, struct sut_err *err)
{
	enum XML_Status status;

	if (x->failed)
		return scan_bad(err, "was refused already: begin again");
	x->err = err;
	status = XML_Parse(x->parser, bytes, (int)len, is_last);
	x->err = NULL;
	if (x->failed || status != XML_STATUS_OK)
		return failure(x, err);
	return 0;
}

int xml_feed(struct xml *x, const char *bytes, size_t len, struct sut_err *err)
{
	XML_Index done;
	int r = parse(x, bytes, len, false, err);

	if (r < 0)
		return r;
	/* Expat keeps a tag or comment whole, however long it is. */
	x->fed += (XML_Index)len;
	done = XML_GetCurrentByteIndex(x->parser);
	if (x->fed - done > SUT_SCAN_TOKEN_MAX)
		return x->failed = xml_bad(x, err, "a tag or comment is longer than %d bytes",
					   SUT_SCAN_TOKEN_MAX);
	return 0;
}

int xml_finish(struct xml *x, struct sut_err *err)
{
	return parse(x, "", 0, true, err);
}

void xml_want_text(struct xml *x)
{
	x->want = x->depth;
	x->text_len = 0;
}

size_t xml_depth(const struct xml *x)
{
	return x->depth;
}

const char *xml_above(const struct xml *x, size_t levels)
{
	return levels < x->depth ? x->names[x->depth - levels] : "";
}

const char *xml_attr(const char **attrs, const char *name)
{
	for (; attrs[0]; attrs += 2)
		if (!strcmp(local(attrs[0]), name))
			return attrs[1];
	return NULL;
}
