package tensorflow

import (
	"bytes"
	"encoding/binary"
	"image"
	_ "image/jpeg" // for image.DecodeConfig
	_ "image/png"

	"github.com/tensorlambda/tensorlambda/internal/infer"
)

// imageHeader is what an image says of itself.
type imageHeader struct {
	jpeg          bool
	width, height int64
	orientation   int // EXIF's, from 1, which is upright, to 8
}

// readImageHeader reads the header of a JPEG or PNG without decoding it.
func readImageHeader(encoded []byte) (imageHeader, error) {
	config, format, err := image.DecodeConfig(bytes.NewReader(encoded))
	if err != nil || format != "jpeg" && format != "png" {
		return imageHeader{}, infer.Errorf(infer.ErrInvalidArgument, "not an image in JPEG or PNG that can be read")
	}
	if config.Width <= 0 || config.Height <= 0 {
		return imageHeader{}, infer.Errorf(infer.ErrInvalidArgument, "the image has no pixels: %d x %d", config.Width, config.Height)
	}
	h := imageHeader{jpeg: format == "jpeg", width: int64(config.Width), height: int64(config.Height), orientation: 1}
	if h.jpeg {
		h.orientation = orientation(encoded)
	}
	return h, nil
}

// turned is the height and width when the image is upright.
func (h imageHeader) turned() (height, width int64) {
	if h.orientation >= 5 {
		return h.width, h.height
	}
	return h.height, h.width
}

// Marks of a JPEG file.
const (
	markerPrefix = 0xFF
	startOfImage = 0xD8
	startOfScan  = 0xDA
	app1         = 0xE1
)

// orientation is the EXIF orientation of a JPEG, 1 where it has none that can be read.
func orientation(jpeg []byte) int {
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
		if segment, ok := bytes.CutPrefix(rest[4:2+length], []byte("Exif\x00\x00")); ok && marker == app1 {
			return tiffOrientation(segment)
		}
		rest = rest[2+length:]
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
