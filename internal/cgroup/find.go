package cgroup

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// controllers are those that limits need.
var controllers = []string{"memory", "cpu"}

// parents finds for each controller the group below which a group of ours can have
// it; a controller that no hierarchy has is absent. The arguments are what the
// kernel says in /proc/self/mountinfo and /proc/self/cgroup.
func parents(mountinfo, membership string) map[string]controlled {
	found := map[string]controlled{}
	for _, h := range hierarchies(mountinfo) {
		dir := h.own(membership)
		if h.unified {
			dir, names := delegating(dir, h.mount)
			for _, c := range names {
				if _, ok := found[c]; !ok {
					found[c] = controlled{version2{}, dir}
				}
			}
			continue
		}
		for _, c := range controllers {
			if slices.Contains(h.options, c) { // a controller is in one hierarchy only
				found[c] = controlled{version1{}, dir}
			}
		}
	}
	return found
}

// hierarchy is a mounted tree of groups.
type hierarchy struct {
	mount   string // the folder where it is mounted
	root    string // the group that is seen there, from the hierarchy's root
	unified bool   // version 2
	options []string
}

// hierarchies reads the mounted ones, each once. A line of mountinfo is
// "36 35 98:0 ROOT MOUNT rw,noatime shared:1 - TYPE SOURCE OPTIONS".
func hierarchies(mountinfo string) []hierarchy {
	var found []hierarchy
	for line := range strings.Lines(mountinfo) {
		before, after, _ := strings.Cut(line, " - ")
		mount, system := strings.Fields(before), strings.Fields(after)
		if len(mount) < 5 || len(system) < 3 || system[0] != "cgroup" && system[0] != "cgroup2" {
			continue
		}
		h := hierarchy{mount: mount[4], root: mount[3], unified: system[0] == "cgroup2", options: strings.Split(system[2], ",")}
		if !slices.ContainsFunc(found, func(o hierarchy) bool {
			return o.unified == h.unified && (h.unified || slices.Equal(o.options, h.options))
		}) {
			found = append(found, h)
		}
	}
	return found
}

// own is the folder of this process's group, or of the group at the mount where
// that of the process is not below it. A line of membership is
// "4:memory:/path", for version 2 "0::/path".
func (h hierarchy) own(membership string) string {
	for line := range strings.Lines(membership) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(fields) < 3 {
			continue
		}
		names := strings.Split(fields[1], ",")
		if h.unified && fields[0] == "0" || !h.unified && slices.ContainsFunc(controllers, func(c string) bool {
			return slices.Contains(names, c) && slices.Contains(h.options, c)
		}) {
			if path, err := filepath.Rel(h.root, fields[2]); err == nil && filepath.IsLocal(path) {
				return filepath.Join(h.mount, path)
			}
		}
	}
	return h.mount
}

// delegating goes up from the group in dir to the nearest whose groups below have
// all controllers, since a group with processes in it, such as ours, may not hand
// any down. Where there is none, it is the nearest that hands down one at least.
func delegating(dir, top string) (parent string, names []string) {
	for {
		content, _ := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
		down := strings.Fields(string(content))
		var here []string
		for _, c := range controllers {
			if slices.Contains(down, c) {
				here = append(here, c)
			}
		}
		if len(here) > len(names) {
			parent, names = dir, here
		}
		if len(names) == len(controllers) || dir == top || dir == filepath.Dir(dir) {
			return parent, names
		}
		dir = filepath.Dir(dir)
	}
}
