/** Given and family names, each in Latin and in Arabic letters, that the demo combines into people who do not exist. */
export interface BilingualName {
  readonly latin: string;
  readonly arabic: string;
}

const pairs = (text: string): BilingualName[] =>
  text
    .trim()
    .split('\n')
    .map((line) => {
      const [latin = '', arabic = ''] = line.trim().split('|');
      return { latin, arabic };
    });

export const GIVEN_NAMES = pairs(`
  Noura|نورة
  Faisal|فيصل
  Reem|ريم
  Turki|تركي
  Lama|لمى
  Sultan|سلطان
  Haya|هيا
  Bandar|بندر
  Jawaher|جواهر
  Majed|ماجد
  Dalal|دلال
  Yazeed|يزيد
  Sarah|سارة
  Abdullah|عبدالله
  Munira|منيرة
  Khalid|خالد
  Ghada|غادة
  Nawaf|نواف
  Amal|أمل
  Ibrahim|إبراهيم
  Wafa|وفاء
  Omar|عمر
  Shahad|شهد
  Rakan|راكان
`);

export const FAMILY_NAMES = pairs(`
  Al-Wadiani|الودياني
  Al-Nakhlawi|النخلاوي
  Al-Rimalani|الرملاني
  Al-Sahabani|السحاباني
  Al-Qamarani|القمراني
  Al-Bustanawi|البستاناوي
  Al-Jabalani|الجبلاني
  Al-Nahrawi|النهراوي
  Al-Fajrani|الفجراني
  Al-Zaytunani|الزيتوناني
  Al-Marjanawi|المرجاناوي
  Al-Suqurani|الصقوراني
  Al-Tamrani|التمراني
  Al-Waraqani|الورقاني
  Al-Hilalawi|الهلالاوي
  Al-Yaqutani|الياقوتاني
`);

export const TRADES = pairs(`
  Trading|للتجارة
  Logistics|للخدمات اللوجستية
  Clinics|للعيادات
  Bookshops|للمكتبات
  Catering|للإعاشة
  Contracting|للمقاولات
  Academy|للتدريب
  Tourism|للسياحة
`);
