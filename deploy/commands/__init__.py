"""One file for each larger command of `penstock`."""
