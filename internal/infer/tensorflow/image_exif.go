package tensorflow

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// Marks of a JPEG file.
const (
	markerPrefix = 0xFF
	startOfImage = 0xD8
	startOfScan  = 0xDA
	app1         = 0xE1
)

// exifHeader is before the TIFF data in a JPEG.
const exifHeader = "Exif\x00\x00"

// jpegOrientation is the EXIF orientation of a JPEG, 1 where it has none that can be read.
func jpegOrientation(jpeg []byte) int {
	if len(jpeg) < 2 || jpeg[0] != markerPrefix || jpeg[1] != startOfImage {
		return 1
	}
	for rest := jpeg[2:]; len(rest) >= 4 && rest[0] == markerPrefix; {
		marker, length := rest[1], int(binary.BigEndian.Uint16(rest[2:]))
		if marker == markerPrefix { // fill bytes
			rest = rest[1:]
			continue
		}
		if marker == startOfScan || length < 2 || length > len(rest)-2 {
			break
		}
		if segment, ok := bytes.CutPrefix(rest[4:2+length], []byte(exifHeader)); ok && marker == app1 {
			return tiffOrientation(segment)
		}
		rest = rest[2+length:]
	}
	return 1
}

// pngOrientation is the EXIF orientation of a PNG, 1 where it has none that can be read.
// Its chunk may stand before or behind the pixels, and one with a wrong checksum counts
// for nothing, as for other readers.
func pngOrientation(png []byte) int {
	const around = 12 // the length before a chunk with its type, and the checksum behind it
	for rest := png[len(pngSignature):]; len(rest) >= around; {
		length := int64(binary.BigEndian.Uint32(rest))
		if length > int64(len(rest)-around) {
			break
		}
		chunk, sum := rest[4:8+length], binary.BigEndian.Uint32(rest[8+length:])
		if tiff, ok := bytes.CutPrefix(chunk, []byte("eXIf")); ok && crc32.ChecksumIEEE(chunk) == sum {
			return tiffOrientation(bytes.TrimPrefix(tiff, []byte(exifHeader))) // which some writers add
		}
		rest = rest[around+length:]
	}
	return 1
}

// TIFF's names for what EXIF is written in.
const (
	orientationTag = 0x0112
	shortType      = 3
	entrySize      = 12
)

// tiffOrientation looks for the orientation in the first directory of TIFF data.
func tiffOrientation(tiff []byte) int {
	var order binary.ByteOrder = binary.LittleEndian
	if bytes.HasPrefix(tiff, []byte("MM")) {
		order = binary.BigEndian
	} else if !bytes.HasPrefix(tiff, []byte("II")) {
		return 1
	}
	if len(tiff) < 8 {
		return 1
	}
	start := uint64(order.Uint32(tiff[4:]))
	if start+2 > uint64(len(tiff)) {
		return 1
	}
	entries := tiff[start+2:]
	for range order.Uint16(tiff[start:]) {
		if len(entries) < entrySize {
			break
		}
		if order.Uint16(entries) == orientationTag && order.Uint16(entries[2:]) == shortType {
			if v := int(order.Uint16(entries[8:])); v >= 1 && v <= 8 {
				return v
			}
			break
		}
		entries = entries[entrySize:]
	}
	return 1
}
