# file: fs/proc/softirqs.c
# A new message of the kernel, with a new string.
/^static int show_softirqs/,/^}/ s/^\treturn 0;/\tpr_info("suture: softirqs read by %s\\n", current->comm);\n&/
