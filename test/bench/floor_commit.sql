-- One commit that reaches the disk.
INSERT INTO floor_results VALUES (0, 'a result');
