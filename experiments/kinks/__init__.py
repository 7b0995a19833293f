"""Do the kinks of a generator make the many minima of a search for codes?"""
