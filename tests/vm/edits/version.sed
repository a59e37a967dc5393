# file: fs/proc/version.c
# A further line at the end of /proc/version.
/^static int version_proc_show/,/^}/ s/^\treturn 0;/\tseq_puts(m, "suture level one\\n");\n&/
