# file: drivers/char/random.c
# A function with a static local variable and static data that must stay the same.
/^static int proc_do_uuid/,/^}/ s/"%pU"/"%pUB"/
