"""Who is who: which identifiers are one person, as a function of the messages and their versions.

What was said is in the tables before anything here is called: `stored_claims`, the deletions, and since when somebody
is known. A batch names the identifiers that it may have changed; everything that was ever said of them and of whom they
were linked to is read, decided anew in the order of the versions, and written where it differs. So it does not matter
which worker decides when, and how often.
"""
