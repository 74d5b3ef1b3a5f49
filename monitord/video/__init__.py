"""The eye: camera, classifier, process."""
