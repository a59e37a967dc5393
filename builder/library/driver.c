// SPDX-License-Identifier: Apache-2.0
#include "driver.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

bool starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* Options of compiler drivers whose value is the next argument. */
static bool takes_value(const char *a)
{
	static const char *const v[] = {
		"-o",
		"-x",
		"-I",
		"-D",
		"-U",
		"-L",
		"-l",
		"-T",
		"-B",
		"-z",
		"-u",
		"-e",
		"-A",
		"-G",
		"-include",
		"-imacros",
		"-isystem",
		"-iquote",
		"-idirafter",
		"-iprefix",
		"-iwithprefix",
		"-iwithprefixbefore",
		"-isysroot",
		"-imultilib",
		"-imultiarch",
		"-MF",
		"-MT",
		"-MQ",
		"-Xlinker",
		"-Xassembler",
		"-Xpreprocessor",
		"-Xclang",
		"-aux-info",
		"--param",
		"-wrapper",
		"-target",
		"-dumpbase",
		"-dumpdir",
		"-dumpbase-ext",
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (strcmp(a, v[i]) == 0)
			return true;
	return false;
}

static bool is_source(const char *a)
{
	static const char *const ext[] = {"c",	"cc", "cpp", "cxx", "C", "c++", "CPP",
					  "cp", "i",  "ii",  "s",   "S", "sx"};
	const char *dot = strrchr(a, '.');

	for (size_t i = 0; dot && !strchr(dot, '/') && i < sizeof(ext) / sizeof(ext[0]); i++)
		if (strcmp(dot + 1, ext[i]) == 0)
			return true;
	return false;
}

void compile_parse(int argc, char **argv, struct compile *c)
{
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(a, "-c") == 0)
			c->c = true;
		else if (strcmp(a, "-E") == 0 || strcmp(a, "-S") == 0 || strcmp(a, "-M") == 0 ||
			 strcmp(a, "-MM") == 0 || strcmp(a, "-fsyntax-only") == 0)
			c->other = true;
		else if (strcmp(a, "-MD") == 0 || strcmp(a, "-MMD") == 0)
			c->md = true;
		else if (starts(a, "-Wp,-MD,") || starts(a, "-Wp,-MMD,")) {
			c->md = true;
			c->mf = strchr(a + 5, ',') + 1;
		} else if (strcmp(a, "-MF") == 0 && next)
			c->mf = next;
		else if (starts(a, "-MF") && a[3])
			c->mf = a + 3;
		else if (strcmp(a, "-o") == 0 && next)
			c->output = next;
		else if (starts(a, "-o") && a[2])
			c->output = a + 2;
		else if (strcmp(a, "-x") == 0 && next)
			c->lang = strcmp(next, "none") != 0;
		else if (a[0] != '-' && (c->lang || is_source(a))) {
			c->source = a;
			c->sources[c->nsources++] = a;
		}
		if (takes_value(a))
			i++;
	}
}

void compile_default(const char *of, const char *ext, char *buf, size_t size)
{
	const char *base = strrchr(of, '/');
	int n;

	base = base ? base + 1 : of;
	n = (int)(strrchr(base, '.') ? strrchr(base, '.') - base : (ptrdiff_t)strlen(base));
	snprintf(buf, size, "%.*s%s", n, base, ext);
}
