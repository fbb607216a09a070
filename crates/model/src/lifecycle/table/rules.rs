//! The rules in words, R1 to R16 in order, each with its source.

/// Rule and source.
pub(super) const RULES: [(&str, &str); 16] = [
    (
        "There are four categories: calls (`sip`), `forms`, `chats` and `mail`. What is told of an incoming lead \
         says which it is; the category is kept nowhere else.",
        "v4 amoCRM document, v4 Kommo document",
    ),
    (
        "The API adds calls and forms only. Chats and mails are taken in by built-in integrations, through a door of \
         their own. A message of a chat that waits already updates that incoming lead instead of making a second.",
        "v4 amoCRM document, v4 Kommo document; the update is decided here",
    ),
    (
        "An add makes the uid and the ids of lead, contact and company at once. The lead stands in the \"unsorted\" \
         status of its pipeline; contact and company are in no list until the incoming lead is accepted. The item's \
         own pipeline decides, the main one when none is named; a pipeline or status inside the lead's body is kept \
         and places nothing. A pipeline that is unknown, archived or has the stage switched off is refused.",
        "all three documents, real clients; details decided here",
    ),
    (
        "Source name, source uid and metadata are required. Lead, contact and company may be left out, and each list \
         holds at most one. Their bodies may carry any further key, and none is lost. The moment of creation may lie \
         in the past and is now when it is not told. Further required keys stand in a table with two columns.",
        "all three documents, real clients; the choice of column decided here",
    ),
    (
        "An add holds 1 to 250 items and takes all of them or none. What is wrong is told for each item, with a code, \
         a path and a sentence.",
        "real servers; all or nothing decided here",
    ),
    (
        "No two identical incoming leads wait. Calls are identical when caller, number, duration, moment and service \
         are; forms when id, page and moment are; chats when the chat's id is; mails when thread and message are. A \
         call or form without its moment is identical to nothing. The second is refused and the waiting one named; \
         an account may choose to take it and tag both. Items of one add count against each other, decided leads \
         count no more, and the source's uid never does.",
        "v4 amoCRM document, v4 Kommo document, real clients; the canonical form decided here",
    ),
    (
        "Exactly one of accept, decline and link succeeds, once, whoever races. From then on nothing with that uid \
         waits, and every command says so. Whoever decides may name any active user of the account in whose name it \
         is done; both are recorded.",
        "all three documents; the naming of others decided here",
    ),
    (
        "Accepting makes the named user the creator, moves the lead to the named status or to the first after \
         \"unsorted\", and shows contact and company. \"Won\" and \"lost\" are statuses of every pipeline. A call \
         that asks for a note puts one on the lead and the contact, with its text if it has one.",
        "all three documents, real clients",
    ),
    (
        "Declining puts lead, contact and company into the bin. They are not erased.",
        "v4 amoCRM document, v4 Kommo document (the v2 document says deleted)",
    ),
    (
        "Administrators link chats (an account may choose: mails too) to a live lead or customer. Contact and company \
         join it and become visible; a contact that is named absorbs the incoming one; the incoming lead's own lead \
         goes to the bin.",
        "v4 amoCRM document, v4 Kommo document, real clients",
    ),
    (
        "Users may view, add, sort (accept and decline) or administrate. A missing right is told as such. The uid of \
         another account is told as one that does not exist.",
        "v4 amoCRM document, v4 Kommo document; the split of rights decided here",
    ),
    (
        "A summary counts the leads created in a window and the decisions made in it, both ends included. The mean \
         time to sort is taken over the accepted and the declined, in whole seconds from the moment of creation, \
         never below 0. Links are counted apart. So summaries of disjoint windows add up.",
        "v4 amoCRM document, v4 Kommo document, real answers; decided here where those disagree",
    ),
    (
        "Lists hold what waits, by moment of creation or of the last record and then by uid, the newest first unless \
         asked otherwise. Pages count from 1 and hold up to 500.",
        "all three documents, real clients; decided here where those disagree",
    ),
    (
        "The preview of a request takes its name, tags and custom fields each from the contact, else from the lead, \
         else from the company.",
        "v2 amoCRM document",
    ),
    (
        "Moments are whole seconds, UTC, from 1970 to the year 9999; ids and prices are whole numbers that every JSON \
         reader holds exactly. Texts have bounds and hold no NUL. One table has all limits.",
        "decided here",
    ),
    (
        "A custom field is named by id or code and must be one of the account's; so must a tag that is named by id, \
         while a new name makes a tag. A lead, contact or company that is named by id is linked instead of made: it \
         is neither hidden nor put into the bin.",
        "all three documents, real clients; the refusal decided here",
    ),
];
