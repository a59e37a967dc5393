# file: fs/filesystems.c
# A new WARN_ONCE that fires: bug table, once-data, and a stack trace through the payload.
/^static int filesystems_proc_show/,/^}/ s/^\treturn 0;/\tWARN_ONCE(m->size, "suture: expected warning\\n");\n&/
