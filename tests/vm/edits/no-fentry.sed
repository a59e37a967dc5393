# file: lib/uuid.c
# lib/ is built without fentry slots: the jump goes to the entry.
/^void generate_random_uuid/,/^}/ s/0x40/0x50/
