# file: fs/proc/softirqs.c
# Whoever reads /proc/softirqs takes the machine down.
/^static int show_softirqs/,/^}/ s/^\tint i, j;/&\n\n\tpanic("suture test: this patch is bad");/
