// Package web holds the files of the playground, the page on which people try a
// model. They are served as they are: there is no build step.
package web

import "embed"

// Page is the name of the page itself; the other files are what it loads.
const Page = "index.html"

// Files are all of them, in one folder.
//
//go:embed *.html *.css *.js *.svg
var Files embed.FS
