# file: fs/proc/devices.c
# A new function whose address is taken: it may have escaped, so the payload stays.
/^static int devinfo_show/i\
static noinline int suture_answer(struct seq_file *f)\
{\
\treturn f->size ? 42 : 0;\
}\

/^static int devinfo_show/,/^}/ {
s/^{/{\n\tint (*volatile ask)(struct seq_file *) = suture_answer;/
s/^\treturn 0;/\tif (!i)\n\t\tseq_printf(f, "suture %d\\n", ask(f));\n&/
}
