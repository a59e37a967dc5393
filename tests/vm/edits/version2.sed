# file: fs/proc/version.c
# The same function as in "version", changed in another way.
/^static int version_proc_show/,/^}/ s/^\treturn 0;/\tseq_puts(m, "suture level two\\n");\n&/
